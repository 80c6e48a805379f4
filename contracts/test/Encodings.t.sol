// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {AssetRegistry} from "../src/AssetRegistry.sol";
import {LedgerAnchor} from "../src/LedgerAnchor.sol";
import {Tickets} from "./support/Tickets.sol";

/// @notice Encodings that code outside the chain makes too, against vectors of neither.
contract EncodingsTest is Tickets {
    string private json;

    function setUp() public {
        json = vm.readFile("contracts/test/vectors/encodings.json");
    }

    function test_origin_key() public {
        LedgerAnchor anchor = new LedgerAnchor();
        address claimer = vm.parseJsonAddress(json, ".origin_key.claimer");
        string memory origin = vm.parseJsonString(json, ".origin_key.origin");
        bytes32 expected = vm.parseJsonBytes32(json, ".origin_key.key");

        vm.assertEq(anchor.originKeyOf(claimer, origin), expected);
    }

    function test_ticket() public {
        vm.warp(NOW);
        vm.chainId(vm.parseJsonUint(json, ".ticket.chain_id"));
        address operator = vm.parseJsonAddress(json, ".ticket.operator");
        bytes32[] memory tokens = vm.parseJsonBytes32Array(json, ".ticket.tokens");
        uint64 expiry = uint64(vm.parseJsonUint(json, ".ticket.expiry"));
        uint64 validUntil = uint64(vm.parseJsonUint(json, ".ticket.valid_until"));
        registry = _deployAt(vm.parseJsonAddress(json, ".ticket.contract"));

        vm.assertEq(
            registry.ticketDigest(operator, tokens, expiry, validUntil),
            vm.parseJsonBytes32(json, ".ticket.digest")
        );
        bytes memory signature = vm.parseJsonBytes(json, ".ticket.signature");
        vm.prank(operator);
        registry.lock(tokens, expiry, validUntil, signature);
        vm.assertEq(registry.holder(tokens[1]), operator);
    }

    /// @dev The code of a registry, at an address that no deployment gives; roles are storage, so granted anew.
    function _deployAt(address target) private returns (AssetRegistry placed) {
        placed = new AssetRegistry(CONSORTIUM, vm.parseJsonAddress(json, ".ticket.signer"));
        vm.etch(target, address(placed).code);
        bytes32 role = placed.TICKET_SIGNER_ROLE();
        address signer = vm.parseJsonAddress(json, ".ticket.signer");
        bytes32 slot = keccak256(abi.encode(signer, keccak256(abi.encode(role, 0))));
        vm.store(target, slot, bytes32(uint256(1)));
        placed = AssetRegistry(target);
        vm.assertTrue(placed.hasRole(role, signer));
    }
}
