// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {AssetRegistry} from "../src/AssetRegistry.sol";
import {IAssetRegistry} from "../src/interfaces/IAssetRegistry.sol";
import {Tickets} from "./support/Tickets.sol";

/// @notice Three operators at four tokens, with tickets fresh, spent, foreign and forged. It keeps its own account and
/// asserts, at every step, that the registry does what the account allows and nothing else.
contract RegistryHandler is Tickets {
    uint256 private constant TOKENS = 4;
    uint256 private constant OPERATORS = 3;

    struct Issued {
        address operator;
        bytes32[] tokens;
        uint64 expiry;
        uint64 validUntil;
        bytes signature;
    }

    mapping(bytes32 token => IAssetRegistry.Lock) private _account;
    Issued[] private _issued;
    mapping(uint256 ticket => uint256) private _uses;

    constructor() {
        _deployRegistry();
    }

    function target() external view returns (AssetRegistry) {
        return registry;
    }

    function issue(uint256 who, uint256 which, uint64 term, uint64 life) external {
        address operator = _operator(who);
        bytes32[] memory tokens = _pick(which);
        uint64 expiry = uint64(block.timestamp + _bound(term, 1, 2 hours));
        uint64 validUntil = uint64(block.timestamp + _bound(life, 0, 1 hours));
        bytes memory signature = _ticket(operator, tokens, expiry, validUntil);
        _issued.push(Issued(operator, tokens, expiry, validUntil, signature));
    }

    /// @dev Any ticket ever issued, used by anybody: its operator mostly.
    function use(uint256 which, uint256 who, bool own) external {
        if (_issued.length == 0) return;
        which = which % _issued.length;
        Issued memory ticket = _issued[which];
        address caller = own ? ticket.operator : _operator(who);
        bool allowed = caller == ticket.operator && _allowed(ticket);

        vm.prank(caller);
        try registry.lock(ticket.tokens, ticket.expiry, ticket.validUntil, ticket.signature) {
            vm.assertTrue(allowed, "locked without a right to");
            vm.assertEq(++_uses[which], 1, "a ticket was used twice");
            _book(ticket);
        } catch {
            vm.assertFalse(allowed, "a good ticket was refused");
        }
    }

    function forge(uint256 who, uint256 which, uint256 key, uint64 term) external {
        address operator = _operator(who);
        bytes32[] memory tokens = _pick(which);
        key = _bound(key, 1, type(uint128).max);
        if (key == SERVICE_KEY) return;
        uint64 expiry = uint64(block.timestamp + _bound(term, 1, 2 hours));
        uint64 validUntil = uint64(block.timestamp + 60);
        bytes memory signature = _signedBy(key, operator, tokens, expiry, validUntil);

        vm.prank(operator);
        try registry.lock(tokens, expiry, validUntil, signature) {
            vm.assertTrue(false, "locked with a forged ticket");
        } catch {}
    }

    function release(uint256 who, uint256 which) external {
        address caller = _operator(who);
        bytes32[] memory tokens = _pick(which);
        bool allowed = true;
        for (uint256 i = 0; i < tokens.length; ++i) {
            allowed = allowed && _account[tokens[i]].operator == caller;
        }

        vm.prank(caller);
        try registry.release(tokens) {
            vm.assertTrue(allowed, "released by another");
            for (uint256 i = 0; i < tokens.length; ++i) {
                _account[tokens[i]].operator = address(0);
                _account[tokens[i]].expiry = 0;
            }
        } catch {
            vm.assertFalse(allowed, "the holder could not release");
        }
    }

    function pass(uint256 time) external {
        vm.warp(block.timestamp + _bound(time, 1, 30 minutes));
    }

    function assertAccount() external view {
        for (uint256 i = 0; i < TOKENS; ++i) {
            bytes32 token = _tokens(TOKENS)[i];
            IAssetRegistry.Lock memory found = registry.locks(token);
            IAssetRegistry.Lock memory booked = _account[token];
            vm.assertEq(found.operator, booked.operator, "operator");
            vm.assertEq(found.expiry, booked.expiry, "expiry");
            vm.assertEq(found.ticketUntil, booked.ticketUntil, "ticket");
            vm.assertEq(
                registry.holder(token),
                booked.expiry > block.timestamp ? booked.operator : address(0),
                "holder"
            );
        }
    }

    function _allowed(Issued memory ticket) private view returns (bool) {
        if (ticket.expiry <= block.timestamp || ticket.validUntil < block.timestamp) return false;
        for (uint256 i = 0; i < ticket.tokens.length; ++i) {
            IAssetRegistry.Lock memory held = _account[ticket.tokens[i]];
            bool taken = held.operator != ticket.operator && held.expiry > block.timestamp;
            if (taken || held.ticketUntil >= ticket.validUntil) return false;
        }
        return true;
    }

    function _book(Issued memory ticket) private {
        for (uint256 i = 0; i < ticket.tokens.length; ++i) {
            _account[ticket.tokens[i]] = IAssetRegistry.Lock(
                ticket.operator, uint48(ticket.expiry), uint48(ticket.validUntil)
            );
        }
    }

    /// @dev One to four of the tokens, each once.
    function _pick(uint256 which) private pure returns (bytes32[] memory picked) {
        bytes32[] memory all = _tokens(TOKENS);
        which = 1 + which % (2 ** TOKENS - 1);
        picked = new bytes32[](TOKENS);
        uint256 count;
        for (uint256 i = 0; i < TOKENS; ++i) {
            if (which >> i & 1 == 1) picked[count++] = all[i];
        }
        assembly ("memory-safe") {
            mstore(picked, count)
        }
    }

    function _operator(uint256 who) private pure returns (address) {
        return address(uint160(0x09E0 + who % OPERATORS));
    }
}

contract AssetRegistryInvariantTest is Tickets {
    RegistryHandler private handler;

    function setUp() public {
        handler = new RegistryHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev One operator a token, only its holder releases, no lock without a fresh ticket of its own, no ticket twice:
    /// the handler's account follows these rules, and the registry equals the account.
    function invariant_the_registry_equals_the_account() external view {
        handler.assertAccount();
    }
}
