// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {ILedgerAnchor} from "../src/interfaces/ILedgerAnchor.sol";
import {LedgerAnchor} from "../src/LedgerAnchor.sol";
import {Test} from "./support/Test.sol";
import {Trees} from "./support/Trees.sol";

contract LedgerAnchorTest is Test {
    string private constant ORIGIN = "scf.example/log";
    bytes32[] private NO_PROOF;

    LedgerAnchor private anchor;
    bytes32 private key;

    function setUp() public {
        anchor = new LedgerAnchor();
        vm.prank(PLATFORM);
        key = anchor.claim(ORIGIN);
    }

    /* CLAIMING */

    function testFuzz_a_key_is_of_the_claimer_and_the_origin(
        address claimer,
        string calldata origin
    ) public {
        vm.assume(claimer != address(0) && bytes(origin).length != 0);
        vm.assume(claimer != PLATFORM);
        bytes32 expected = keccak256(abi.encode(claimer, origin));

        vm.expectEmit(address(anchor));
        emit ILedgerAnchor.OriginClaimed(expected, claimer, origin);
        vm.prank(claimer);
        bytes32 claimed = anchor.claim(origin);

        vm.assertEq(claimed, expected);
        vm.assertEq(claimed, anchor.originKeyOf(claimer, origin));
        _assertHead(claimed, claimer, 0, sha256(""));
    }

    function test_two_claimers_of_one_name_have_two_logs() public {
        vm.prank(OTHER_PLATFORM);
        bytes32 other = anchor.claim(ORIGIN);

        vm.assertTrue(other != key);
        _assertHead(key, PLATFORM, 0, sha256(""));
    }

    function test_an_origin_is_claimed_once() public {
        vm.expectRevert(
            abi.encodeWithSelector(ILedgerAnchor.AnchorOriginClaimed.selector, key, PLATFORM)
        );
        vm.prank(PLATFORM);
        anchor.claim(ORIGIN);
    }

    function test_the_first_claimer_cannot_claim_back_what_was_handed_over() public {
        _handOver(OTHER_PLATFORM);

        vm.expectRevert(
            abi.encodeWithSelector(ILedgerAnchor.AnchorOriginClaimed.selector, key, OTHER_PLATFORM)
        );
        vm.prank(PLATFORM);
        anchor.claim(ORIGIN);
    }

    function test_an_origin_has_a_name() public {
        vm.expectRevert(ILedgerAnchor.AnchorOriginEmpty.selector);
        anchor.claim("");
    }

    /* PUBLISHING */

    function testFuzz_heads_extend_one_another(bytes32 seed, uint256 first, uint256 second) public {
        uint64 n = uint64(_bound(second, 2, 64));
        uint64 m = uint64(_bound(first, 1, n - 1));
        bytes32[] memory leaves = _leaves(seed, n);
        bytes32 early = Trees.root(leaves, 0, m);
        bytes32 late = Trees.root(leaves);
        _publish(m, early, NO_PROOF);

        vm.expectEmit(address(anchor));
        emit ILedgerAnchor.HeadPublished(key, n, late);
        _publish(n, late, Trees.proof(leaves, m, n));

        _assertHead(key, PLATFORM, n, late);
        vm.assertEq(anchor.roots(key, m), early);
        vm.assertEq(anchor.roots(key, n), late);
    }

    function testFuzz_an_inconsistent_head_is_refused(
        bytes32 root,
        bytes32[] calldata proof,
        uint64 size
    ) public {
        bytes32[] memory leaves = _leaves("history", 5);
        bytes32 early = Trees.root(leaves);
        _publish(5, early, NO_PROOF);
        size = uint64(_bound(size, 6, type(uint64).max));
        vm.assume(root != 0);

        vm.expectRevert(
            abi.encodeWithSelector(
                ILedgerAnchor.AnchorInconsistent.selector, key, 5, size, early, root
            )
        );
        _publish(size, root, proof);

        _assertHead(key, PLATFORM, 5, early);
        vm.assertEq(anchor.roots(key, size), 0);
    }

    function testFuzz_a_log_never_shrinks(uint64 published, uint64 size, bytes32 root) public {
        published = uint64(_bound(published, 1, type(uint64).max));
        size = uint64(_bound(size, 0, published - 1));
        _publish(published, "root", NO_PROOF);

        vm.expectRevert(
            abi.encodeWithSelector(ILedgerAnchor.AnchorSizeShrinks.selector, key, published, size)
        );
        _publish(size, root, NO_PROOF);
    }

    function testFuzz_the_same_head_again_changes_nothing(
        uint64 size,
        bytes32 root,
        bytes32[] calldata proof
    ) public {
        size = uint64(_bound(size, 1, type(uint64).max));
        vm.assume(root != 0);
        _publish(size, root, NO_PROOF);

        _publish(size, root, proof);

        _assertHead(key, PLATFORM, size, root);
    }

    function testFuzz_a_size_has_one_root(uint64 size, bytes32 root, bytes32 other) public {
        size = uint64(_bound(size, 1, type(uint64).max));
        vm.assume(root != 0 && root != other);
        _publish(size, root, NO_PROOF);

        vm.expectRevert(
            abi.encodeWithSelector(
                ILedgerAnchor.AnchorRootConflict.selector, key, size, root, other
            )
        );
        _publish(size, other, NO_PROOF);
    }

    function test_the_empty_head_stands_from_the_claim_on() public {
        _publish(0, sha256(""), NO_PROOF);

        vm.expectRevert(
            abi.encodeWithSelector(
                ILedgerAnchor.AnchorRootConflict.selector, key, 0, sha256(""), bytes32("other")
            )
        );
        _publish(0, "other", NO_PROOF);
    }

    function testFuzz_zero_is_no_root(uint64 size) public {
        size = uint64(_bound(size, 1, type(uint64).max));

        vm.expectRevert(abi.encodeWithSelector(ILedgerAnchor.AnchorRootZero.selector, key, size));
        _publish(size, 0, NO_PROOF);
    }

    function testFuzz_only_the_publisher_publishes(address caller) public {
        vm.assume(caller != PLATFORM);

        vm.expectRevert(
            abi.encodeWithSelector(ILedgerAnchor.AnchorNotPublisher.selector, key, caller, PLATFORM)
        );
        vm.prank(caller);
        anchor.publish(key, 1, "root", NO_PROOF);
    }

    function testFuzz_an_unclaimed_origin_has_no_heads(bytes32 unknown) public {
        vm.assume(unknown != key);

        vm.expectRevert(abi.encodeWithSelector(ILedgerAnchor.AnchorOriginUnknown.selector, unknown));
        vm.prank(PLATFORM);
        anchor.publish(unknown, 1, "root", NO_PROOF);

        _assertHead(unknown, address(0), 0, 0);
    }

    /* ROTATION */

    function test_the_next_publisher_goes_on_under_the_same_key() public {
        bytes32[] memory leaves = _leaves("history", 9);
        bytes32 early = Trees.root(leaves, 0, 4);
        _publish(4, early, NO_PROOF);

        vm.prank(PLATFORM);
        anchor.offerPublisher(key, OTHER_PLATFORM);
        _assertHead(key, PLATFORM, 4, early);
        vm.expectEmit(address(anchor));
        emit ILedgerAnchor.PublisherChanged(key, PLATFORM, OTHER_PLATFORM);
        vm.prank(OTHER_PLATFORM);
        anchor.acceptPublisher(key);

        _assertHead(key, OTHER_PLATFORM, 4, early);
        bytes32 late = Trees.root(leaves);
        bytes32[] memory proof = Trees.proof(leaves, 4, 9); // hashes by precompile: before the prank
        vm.prank(OTHER_PLATFORM);
        anchor.publish(key, 9, late, proof);
        _assertHead(key, OTHER_PLATFORM, 9, late);
    }

    function test_the_former_publisher_publishes_no_more() public {
        _handOver(OTHER_PLATFORM);

        vm.expectRevert(
            abi.encodeWithSelector(
                ILedgerAnchor.AnchorNotPublisher.selector, key, PLATFORM, OTHER_PLATFORM
            )
        );
        _publish(1, "root", NO_PROOF);
    }

    function testFuzz_only_the_publisher_offers(address caller) public {
        vm.assume(caller != PLATFORM);

        vm.expectRevert(
            abi.encodeWithSelector(ILedgerAnchor.AnchorNotPublisher.selector, key, caller, PLATFORM)
        );
        vm.prank(caller);
        anchor.offerPublisher(key, caller);
    }

    function testFuzz_only_the_one_it_is_offered_to_accepts(address caller) public {
        vm.assume(caller != OTHER_PLATFORM);
        vm.expectEmit(address(anchor));
        emit ILedgerAnchor.PublisherOffered(key, PLATFORM, OTHER_PLATFORM);
        vm.prank(PLATFORM);
        anchor.offerPublisher(key, OTHER_PLATFORM);
        vm.assertEq(anchor.offers(key), OTHER_PLATFORM);

        vm.expectRevert(
            abi.encodeWithSelector(
                ILedgerAnchor.AnchorNotOffered.selector, key, caller, OTHER_PLATFORM
            )
        );
        vm.prank(caller);
        anchor.acceptPublisher(key);
    }

    function test_an_offer_can_be_withdrawn_and_is_taken_once() public {
        vm.prank(PLATFORM);
        anchor.offerPublisher(key, OTHER_PLATFORM);
        vm.prank(PLATFORM);
        anchor.offerPublisher(key, address(0));

        vm.expectRevert(
            abi.encodeWithSelector(
                ILedgerAnchor.AnchorNotOffered.selector, key, OTHER_PLATFORM, address(0)
            )
        );
        vm.prank(OTHER_PLATFORM);
        anchor.acceptPublisher(key);

        _handOver(OTHER_PLATFORM);
        vm.assertEq(anchor.offers(key), address(0));
    }

    /* HELPERS */

    function _publish(uint64 size, bytes32 root, bytes32[] memory proof) private {
        vm.prank(PLATFORM);
        anchor.publish(key, size, root, proof);
    }

    function _handOver(address next) private {
        vm.prank(PLATFORM);
        anchor.offerPublisher(key, next);
        vm.prank(next);
        anchor.acceptPublisher(key);
    }

    function _assertHead(bytes32 originKey, address publisher, uint64 size, bytes32 root)
        private
        view
    {
        ILedgerAnchor.Head memory head = anchor.heads(originKey);
        vm.assertEq(head.publisher, publisher);
        vm.assertEq(head.size, size);
        vm.assertEq(head.root, root);
    }

    function _leaves(bytes32 seed, uint256 count) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            leaves[i] = keccak256(abi.encode(seed, i));
        }
    }
}
