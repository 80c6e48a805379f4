// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {AssetRegistry} from "../../src/AssetRegistry.sol";
import {Test} from "./Test.sol";

/// @notice A registry with one token service, and its tickets.
abstract contract Tickets is Test {
    uint256 internal constant SERVICE_KEY = 0x5CF;
    uint256 internal constant OTHER_KEY = 0xBAD;

    /// @dev An ordinary moment: 2026-01-05, Unix seconds.
    uint256 internal constant NOW = 1_767_571_200;
    uint64 internal constant TERM = 240 days;

    AssetRegistry internal registry;

    function _deployRegistry() internal {
        vm.warp(NOW);
        registry = new AssetRegistry(CONSORTIUM, vm.addr(SERVICE_KEY));
    }

    function _ticket(address operator, bytes32[] memory tokens, uint64 expiry, uint64 validUntil)
        internal
        view
        returns (bytes memory)
    {
        return _signedBy(SERVICE_KEY, operator, tokens, expiry, validUntil);
    }

    function _signedBy(
        uint256 key,
        address operator,
        bytes32[] memory tokens,
        uint64 expiry,
        uint64 validUntil
    ) internal view returns (bytes memory) {
        bytes32 digest = registry.ticketDigest(operator, tokens, expiry, validUntil);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev Locks with a fresh ticket that is good for `life` seconds.
    function _lock(address operator, bytes32[] memory tokens, uint64 expiry, uint64 life) internal {
        uint64 validUntil = uint64(block.timestamp) + life;
        bytes memory ticket = _ticket(operator, tokens, expiry, validUntil);
        vm.prank(operator);
        registry.lock(tokens, expiry, validUntil, ticket);
    }

    function _tokens(uint256 count) internal pure returns (bytes32[] memory tokens) {
        tokens = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            tokens[i] = keccak256(abi.encode("token", i));
        }
    }
}
