// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";

import {AssetRegistry} from "../src/AssetRegistry.sol";
import {IAssetRegistry} from "../src/interfaces/IAssetRegistry.sol";
import {Tickets} from "./support/Tickets.sol";

contract AssetRegistryTest is Tickets {
    uint64 private constant EXPIRY = uint64(NOW) + TERM;
    uint64 private constant VALID_UNTIL = uint64(NOW) + 10 minutes;

    function setUp() public {
        _deployRegistry();
    }

    /* LOCKING */

    function testFuzz_a_ticket_locks_all_its_tokens(uint256 count, uint64 term, uint64 life)
        public
    {
        bytes32[] memory tokens = _tokens(_bound(count, 1, 20));
        uint64 expiry = uint64(NOW) + uint64(_bound(term, 1, 3650 days));
        life = uint64(_bound(life, 0, 1 hours));

        _lock(PLATFORM, tokens, expiry, life);

        for (uint256 i = 0; i < tokens.length; ++i) {
            _assertLock(tokens[i], PLATFORM, expiry, uint64(NOW) + life);
            vm.assertEq(registry.holder(tokens[i]), PLATFORM);
        }
    }

    function test_a_lock_is_told() public {
        bytes32[] memory tokens = _tokens(1);
        bytes memory ticket = _ticket(PLATFORM, tokens, EXPIRY, VALID_UNTIL);

        vm.expectEmit(address(registry));
        emit IAssetRegistry.Locked(tokens[0], PLATFORM, EXPIRY);
        vm.prank(PLATFORM);
        registry.lock(tokens, EXPIRY, VALID_UNTIL, ticket);
    }

    function testFuzz_one_held_token_refuses_them_all(uint256 which) public {
        bytes32[] memory tokens = _tokens(5);
        bytes32[] memory held = new bytes32[](1);
        held[0] = tokens[_bound(which, 0, 4)];
        _lock(OTHER_PLATFORM, held, EXPIRY, 60);

        bytes memory ticket = _ticket(PLATFORM, tokens, EXPIRY, VALID_UNTIL);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAssetRegistry.RegistryHeld.selector, held[0], OTHER_PLATFORM, EXPIRY
            )
        );
        vm.prank(PLATFORM);
        registry.lock(tokens, EXPIRY, VALID_UNTIL, ticket);

        for (uint256 i = 0; i < tokens.length; ++i) {
            vm.assertEq(
                registry.holder(tokens[i]), tokens[i] == held[0] ? OTHER_PLATFORM : address(0)
            );
        }
    }

    function test_a_lock_binds_to_its_last_second_and_no_longer() public {
        bytes32[] memory tokens = _tokens(1);
        _lock(OTHER_PLATFORM, tokens, EXPIRY, 60);

        vm.warp(EXPIRY - 1);
        uint64 later = EXPIRY + TERM;
        bytes memory ticket = _ticket(PLATFORM, tokens, later, EXPIRY);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAssetRegistry.RegistryHeld.selector, tokens[0], OTHER_PLATFORM, EXPIRY
            )
        );
        vm.prank(PLATFORM);
        registry.lock(tokens, later, EXPIRY, ticket);

        vm.warp(EXPIRY);
        vm.assertEq(registry.holder(tokens[0]), address(0));
        vm.prank(PLATFORM);
        registry.lock(tokens, later, EXPIRY, ticket);
        _assertLock(tokens[0], PLATFORM, later, EXPIRY);
    }

    function testFuzz_the_holder_renews_with_a_fresh_ticket(uint64 term) public {
        bytes32[] memory tokens = _tokens(2);
        _lock(PLATFORM, tokens, EXPIRY, 60);
        uint64 expiry = uint64(NOW) + uint64(_bound(term, 1, 3650 days));

        _lock(PLATFORM, tokens, expiry, 61);

        _assertLock(tokens[0], PLATFORM, expiry, uint64(NOW) + 61);
    }

    function test_a_lock_names_a_token() public {
        vm.expectRevert(IAssetRegistry.RegistryNoTokens.selector);
        registry.lock(new bytes32[](0), EXPIRY, VALID_UNTIL, "");
    }

    function testFuzz_a_lock_ends_in_the_future(uint64 expiry) public {
        expiry = uint64(_bound(expiry, 0, NOW));
        bytes32[] memory tokens = _tokens(1);
        bytes memory ticket = _ticket(PLATFORM, tokens, expiry, VALID_UNTIL);

        vm.expectRevert(
            abi.encodeWithSelector(IAssetRegistry.RegistryExpiryPassed.selector, expiry, NOW)
        );
        vm.prank(PLATFORM);
        registry.lock(tokens, expiry, VALID_UNTIL, ticket);
    }

    /* TICKETS */

    function testFuzz_a_ticket_is_its_operators(address caller) public {
        vm.assume(caller != PLATFORM);
        bytes32[] memory tokens = _tokens(2);
        bytes memory ticket = _ticket(PLATFORM, tokens, EXPIRY, VALID_UNTIL);

        vm.prank(caller);
        (bool done, bytes memory answer) = address(registry)
            .call(abi.encodeCall(registry.lock, (tokens, EXPIRY, VALID_UNTIL, ticket)));

        _assertNotTrusted(done, answer);
        vm.assertEq(registry.holder(tokens[0]), address(0));
    }

    function testFuzz_a_ticket_is_for_what_it_says(
        uint256 what,
        bytes32 otherToken,
        uint64 otherExpiry,
        uint64 otherValidUntil
    ) public {
        bytes32[] memory tokens = _tokens(3);
        bytes memory ticket = _ticket(PLATFORM, tokens, EXPIRY, VALID_UNTIL);
        uint64 expiry = EXPIRY;
        uint64 validUntil = VALID_UNTIL;
        what = what % 5;
        if (what == 0) {
            vm.assume(otherToken != tokens[1]);
            tokens[1] = otherToken;
        } else if (what == 1) {
            tokens = _tokens(4);
        } else if (what == 2) {
            (tokens[0], tokens[1]) = (tokens[1], tokens[0]);
        } else if (what == 3) {
            expiry = uint64(_bound(otherExpiry, NOW + 1, type(uint48).max));
            vm.assume(expiry != EXPIRY);
        } else {
            validUntil = uint64(_bound(otherValidUntil, NOW, NOW + 1 hours));
            vm.assume(validUntil != VALID_UNTIL);
        }

        vm.prank(PLATFORM);
        (bool done, bytes memory answer) = address(registry)
            .call(abi.encodeCall(registry.lock, (tokens, expiry, validUntil, ticket)));

        _assertNotTrusted(done, answer);
    }

    function testFuzz_only_a_token_service_signs(uint256 key) public {
        key = _bound(key, 1, type(uint128).max);
        vm.assume(key != SERVICE_KEY);
        bytes32[] memory tokens = _tokens(1);
        bytes memory ticket = _signedBy(key, PLATFORM, tokens, EXPIRY, VALID_UNTIL);

        vm.expectRevert(
            abi.encodeWithSelector(IAssetRegistry.RegistryTicketNotTrusted.selector, vm.addr(key))
        );
        vm.prank(PLATFORM);
        registry.lock(tokens, EXPIRY, VALID_UNTIL, ticket);
    }

    function testFuzz_bytes_that_are_no_signature_are_no_ticket(bytes calldata junk) public {
        bytes32[] memory tokens = _tokens(1);

        vm.prank(PLATFORM);
        (bool done, bytes memory answer) = address(registry)
            .call(abi.encodeCall(registry.lock, (tokens, EXPIRY, VALID_UNTIL, junk)));

        _assertNotTrusted(done, answer);
    }

    function test_a_high_s_is_no_signature() public {
        bytes32[] memory tokens = _tokens(1);
        bytes32 digest = registry.ticketDigest(PLATFORM, tokens, EXPIRY, VALID_UNTIL);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(SERVICE_KEY, digest);
        uint256 n = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        bytes memory twin = abi.encodePacked(r, bytes32(n - uint256(s)), v == 27 ? 28 : 27);

        vm.expectRevert(
            abi.encodeWithSelector(IAssetRegistry.RegistryTicketNotTrusted.selector, address(0))
        );
        vm.prank(PLATFORM);
        registry.lock(tokens, EXPIRY, VALID_UNTIL, twin);
    }

    /// @dev A malformed signature recovers to zero, so zero must not pass even where it has the role.
    function test_nobody_is_no_token_service() public {
        registry = new AssetRegistry(CONSORTIUM, address(0));

        vm.expectRevert(
            abi.encodeWithSelector(IAssetRegistry.RegistryTicketNotTrusted.selector, address(0))
        );
        vm.prank(PLATFORM);
        registry.lock(_tokens(1), EXPIRY, VALID_UNTIL, "");
    }

    function testFuzz_a_ticket_runs_out(uint64 passed) public {
        bytes32[] memory tokens = _tokens(1);
        bytes memory ticket = _ticket(PLATFORM, tokens, EXPIRY, VALID_UNTIL);
        vm.warp(_bound(passed, VALID_UNTIL + 1, EXPIRY - 1));

        vm.expectRevert(
            abi.encodeWithSelector(
                IAssetRegistry.RegistryTicketExpired.selector, VALID_UNTIL, block.timestamp
            )
        );
        vm.prank(PLATFORM);
        registry.lock(tokens, EXPIRY, VALID_UNTIL, ticket);
    }

    function testFuzz_a_ticket_is_short_lived(uint64 validUntil) public {
        validUntil = uint64(_bound(validUntil, NOW + 1 hours + 1, type(uint64).max));
        bytes32[] memory tokens = _tokens(1);
        bytes memory ticket = _ticket(PLATFORM, tokens, EXPIRY, validUntil);

        vm.expectRevert(
            abi.encodeWithSelector(
                IAssetRegistry.RegistryTicketTooLong.selector, validUntil, NOW + 1 hours
            )
        );
        vm.prank(PLATFORM);
        registry.lock(tokens, EXPIRY, validUntil, ticket);
    }

    function test_a_ticket_works_once_even_after_release() public {
        bytes32[] memory tokens = _tokens(2);
        bytes memory ticket = _ticket(PLATFORM, tokens, EXPIRY, VALID_UNTIL);
        vm.prank(PLATFORM);
        registry.lock(tokens, EXPIRY, VALID_UNTIL, ticket);

        bytes memory spent = abi.encodeWithSelector(
            IAssetRegistry.RegistryTicketSpent.selector, tokens[0], VALID_UNTIL, VALID_UNTIL
        );
        vm.expectRevert(spent);
        vm.prank(PLATFORM);
        registry.lock(tokens, EXPIRY, VALID_UNTIL, ticket);

        vm.prank(PLATFORM);
        registry.release(tokens);
        vm.expectRevert(spent);
        vm.prank(PLATFORM);
        registry.lock(tokens, EXPIRY, VALID_UNTIL, ticket);
    }

    function test_a_ticket_is_overtaken_by_one_that_runs_out_later() public {
        bytes32[] memory tokens = _tokens(1);
        bytes memory early = _ticket(PLATFORM, tokens, EXPIRY, VALID_UNTIL - 1);
        _lock(OTHER_PLATFORM, tokens, EXPIRY, VALID_UNTIL - uint64(NOW));
        vm.prank(OTHER_PLATFORM);
        registry.release(tokens);

        vm.expectRevert(
            abi.encodeWithSelector(
                IAssetRegistry.RegistryTicketSpent.selector, tokens[0], VALID_UNTIL - 1, VALID_UNTIL
            )
        );
        vm.prank(PLATFORM);
        registry.lock(tokens, EXPIRY, VALID_UNTIL - 1, early);
    }

    function test_a_ticket_names_a_token_once() public {
        bytes32[] memory tokens = new bytes32[](2);
        tokens[0] = tokens[1] = "token";
        bytes memory ticket = _ticket(PLATFORM, tokens, EXPIRY, VALID_UNTIL);

        vm.expectRevert(
            abi.encodeWithSelector(
                IAssetRegistry.RegistryTicketSpent.selector, tokens[0], VALID_UNTIL, VALID_UNTIL
            )
        );
        vm.prank(PLATFORM);
        registry.lock(tokens, EXPIRY, VALID_UNTIL, ticket);
    }

    function test_a_ticket_is_of_one_contract_and_one_chain() public {
        bytes32[] memory tokens = _tokens(1);
        bytes32 here = registry.ticketDigest(PLATFORM, tokens, EXPIRY, VALID_UNTIL);
        AssetRegistry twin = new AssetRegistry(CONSORTIUM, vm.addr(SERVICE_KEY));

        vm.assertTrue(twin.ticketDigest(PLATFORM, tokens, EXPIRY, VALID_UNTIL) != here);
        vm.chainId(2);
        vm.assertTrue(registry.ticketDigest(PLATFORM, tokens, EXPIRY, VALID_UNTIL) != here);
    }

    /* RELEASING */

    function test_the_holder_releases_and_another_may_lock() public {
        bytes32[] memory tokens = _tokens(2);
        _lock(PLATFORM, tokens, EXPIRY, 60);

        vm.expectEmit(address(registry));
        emit IAssetRegistry.Released(tokens[0], PLATFORM);
        vm.prank(PLATFORM);
        registry.release(tokens);

        _assertLock(tokens[0], address(0), 0, uint64(NOW) + 60);
        _lock(OTHER_PLATFORM, tokens, EXPIRY, 61);
        vm.assertEq(registry.holder(tokens[1]), OTHER_PLATFORM);
    }

    function testFuzz_only_the_holder_releases(address caller) public {
        vm.assume(caller != PLATFORM);
        bytes32[] memory tokens = _tokens(2);
        _lock(PLATFORM, tokens, EXPIRY, 60);

        vm.expectRevert(
            abi.encodeWithSelector(
                IAssetRegistry.RegistryNotHolder.selector, tokens[0], caller, PLATFORM
            )
        );
        vm.prank(caller);
        registry.release(tokens);
    }

    function test_one_foreign_token_keeps_them_all() public {
        bytes32[] memory tokens = _tokens(3);
        bytes32[] memory mine = new bytes32[](2);
        (mine[0], mine[1]) = (tokens[0], tokens[1]);
        _lock(PLATFORM, mine, EXPIRY, 60);

        vm.expectRevert(
            abi.encodeWithSelector(
                IAssetRegistry.RegistryNotHolder.selector, tokens[2], PLATFORM, address(0)
            )
        );
        vm.prank(PLATFORM);
        registry.release(tokens);

        vm.assertEq(registry.holder(tokens[0]), PLATFORM);
    }

    function test_an_expired_lock_is_its_holders_until_it_is_taken() public {
        bytes32[] memory tokens = _tokens(2);
        _lock(PLATFORM, tokens, EXPIRY, 60);
        vm.warp(EXPIRY);
        bytes32[] memory one = _tokens(1);
        _lock(OTHER_PLATFORM, one, EXPIRY + TERM, 60);

        vm.expectRevert(
            abi.encodeWithSelector(
                IAssetRegistry.RegistryNotHolder.selector, one[0], PLATFORM, OTHER_PLATFORM
            )
        );
        vm.prank(PLATFORM);
        registry.release(one);

        one[0] = tokens[1];
        vm.prank(PLATFORM);
        registry.release(one);
        _assertLock(tokens[1], address(0), 0, uint64(NOW) + 60);
    }

    function test_a_release_names_a_token() public {
        vm.expectRevert(IAssetRegistry.RegistryNoTokens.selector);
        registry.release(new bytes32[](0));
    }

    /* ROLES */

    function test_the_consortium_changes_the_token_service() public {
        bytes32 role = registry.TICKET_SIGNER_ROLE();
        vm.prank(CONSORTIUM);
        registry.grantRole(role, vm.addr(OTHER_KEY));
        vm.prank(CONSORTIUM);
        registry.revokeRole(role, vm.addr(SERVICE_KEY));
        bytes32[] memory tokens = _tokens(1);

        bytes memory old = _ticket(PLATFORM, tokens, EXPIRY, VALID_UNTIL);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAssetRegistry.RegistryTicketNotTrusted.selector, vm.addr(SERVICE_KEY)
            )
        );
        vm.prank(PLATFORM);
        registry.lock(tokens, EXPIRY, VALID_UNTIL, old);

        bytes memory fresh = _signedBy(OTHER_KEY, PLATFORM, tokens, EXPIRY, VALID_UNTIL);
        vm.prank(PLATFORM);
        registry.lock(tokens, EXPIRY, VALID_UNTIL, fresh);
        vm.assertEq(registry.holder(tokens[0]), PLATFORM);
    }

    function testFuzz_nobody_else_grants(address caller) public {
        vm.assume(caller != CONSORTIUM);
        bytes32 role = registry.TICKET_SIGNER_ROLE();

        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessControl.AccessControlUnauthorizedAccount.selector, caller, bytes32(0)
            )
        );
        vm.prank(caller);
        registry.grantRole(role, caller);
    }

    function test_the_consortium_has_no_say_over_locks() public {
        bytes32[] memory tokens = _tokens(1);
        _lock(PLATFORM, tokens, EXPIRY, 60);

        vm.expectRevert(
            abi.encodeWithSelector(
                IAssetRegistry.RegistryNotHolder.selector, tokens[0], CONSORTIUM, PLATFORM
            )
        );
        vm.prank(CONSORTIUM);
        registry.release(tokens);
    }

    /* HELPERS */

    function _assertLock(bytes32 token, address operator, uint64 expiry, uint64 ticketUntil)
        private
        view
    {
        IAssetRegistry.Lock memory found = registry.locks(token);
        vm.assertEq(found.operator, operator);
        vm.assertEq(found.expiry, expiry);
        vm.assertEq(found.ticketUntil, ticketUntil);
    }

    /// @dev To whom a wrong ticket recovers is anybody's guess; that it is refused is not.
    function _assertNotTrusted(bool done, bytes memory answer) private pure {
        vm.assertFalse(done);
        vm.assertEq(
            bytes32(bytes4(answer)), bytes32(IAssetRegistry.RegistryTicketNotTrusted.selector)
        );
    }
}
