// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {ILedgerAnchor} from "../src/interfaces/ILedgerAnchor.sol";
import {LedgerAnchor} from "../src/LedgerAnchor.sol";
import {Test} from "./support/Test.sol";
import {Trees} from "./support/Trees.sol";

/// @notice Drives one log: honest heads, rewritten ones, shorter ones, strangers, hand-overs. It keeps its own account of
/// what was published and asserts, at every step, who may do what.
contract AnchorHandler is Test {
    uint64 private constant SIZE_MAX = 80;

    LedgerAnchor public immutable ANCHOR;
    bytes32 public immutable KEY;
    address public immutable FIRST;

    address public publisher;
    address public offered;
    uint64 public size;
    uint64[] private _sizes;
    mapping(uint64 size => bytes32) public published;

    constructor(LedgerAnchor anchor) {
        ANCHOR = anchor;
        FIRST = publisher = _actor(0);
        vm.prank(FIRST);
        KEY = anchor.claim("scf.example/log");
        _remember(0, sha256(""));
    }

    function publishExtension(uint64 growth) external {
        uint64 next = uint64(_bound(growth, 1, 12)) + size;
        if (next > SIZE_MAX) return;
        bytes32[] memory leaves = _leaves(next, SIZE_MAX, 0);
        bytes32 root = Trees.root(leaves);
        bytes32[] memory proof = _proof(leaves, next);

        vm.prank(publisher);
        ANCHOR.publish(KEY, next, root, proof);
        _remember(next, root);
    }

    /// @dev The operator's best try: a rewritten history with the proof that would fit it.
    function publishRewritten(uint64 growth, uint64 which, bytes32 salt) external {
        if (size == 0) return;
        uint64 next = uint64(_bound(growth, 1, 12)) + size;
        if (next > SIZE_MAX || salt == 0) return;
        bytes32[] memory leaves = _leaves(next, uint64(_bound(which, 0, size - 1)), salt);
        bytes32 root = Trees.root(leaves);
        bytes32[] memory proof = _proof(leaves, next);

        _assertRefused(publisher, next, root, proof, ILedgerAnchor.AnchorInconsistent.selector);
    }

    function publishForged(uint64 next, bytes32 root, bytes32[] calldata proof) external {
        if (size == 0 || root == 0) return;
        next = uint64(_bound(next, uint256(size) + 1, type(uint64).max));

        _assertRefused(publisher, next, root, proof, ILedgerAnchor.AnchorInconsistent.selector);
    }

    function publishShorter(uint64 next, bytes32 root, bytes32[] calldata proof) external {
        if (size == 0) return;
        next = uint64(_bound(next, 0, size - 1));

        _assertRefused(publisher, next, root, proof, ILedgerAnchor.AnchorSizeShrinks.selector);
    }

    function publishAgain(bytes32 root, bytes32[] calldata proof) external {
        vm.prank(publisher);
        ANCHOR.publish(KEY, size, published[size], proof);

        if (root == published[size]) return;
        _assertRefused(publisher, size, root, proof, ILedgerAnchor.AnchorRootConflict.selector);
    }

    function publishAsStranger(uint256 who, uint64 next, bytes32 root) external {
        address stranger = _actor(who);
        if (stranger == publisher) return;

        _assertRefused(
            stranger, next, root, new bytes32[](0), ILedgerAnchor.AnchorNotPublisher.selector
        );
    }

    function offer(uint256 who) external {
        offered = _actor(who);
        vm.prank(publisher);
        ANCHOR.offerPublisher(KEY, offered);
    }

    function accept(uint256 who) external {
        address caller = _actor(who);
        vm.prank(caller);
        try ANCHOR.acceptPublisher(KEY) {
            vm.assertEq(caller, offered, "taken by another");
            (publisher, offered) = (caller, address(0));
        } catch {
            vm.assertTrue(caller != offered, "an offer was refused");
        }
    }

    function claimAgain(uint256 who) external {
        address claimer = _actor(who);
        vm.prank(claimer);
        try ANCHOR.claim("scf.example/log") returns (bytes32 claimed) {
            vm.assertTrue(claimed != KEY, "claimed twice");
        } catch {}
    }

    function heads() external view returns (uint64[] memory) {
        return _sizes;
    }

    function _assertRefused(
        address caller,
        uint64 next,
        bytes32 root,
        bytes32[] memory proof,
        bytes4 expected
    ) private {
        vm.prank(caller);
        try ANCHOR.publish(KEY, next, root, proof) {
            vm.assertTrue(false, "published");
        } catch (bytes memory answer) {
            vm.assertEq(bytes32(bytes4(answer)), bytes32(expected));
        }
    }

    function _remember(uint64 next, bytes32 root) private {
        size = next;
        published[next] = root;
        _sizes.push(next);
    }

    /// @dev One history for ever; the leaf `which` is another one when there is such a leaf.
    function _leaves(uint64 count, uint64 which, bytes32 salt)
        private
        pure
        returns (bytes32[] memory leaves)
    {
        leaves = new bytes32[](count);
        for (uint64 i = 0; i < count; ++i) {
            leaves[i] = keccak256(abi.encode(i, i == which ? salt : bytes32(0)));
        }
    }

    function _proof(bytes32[] memory leaves, uint64 next) private view returns (bytes32[] memory) {
        return size == 0 ? new bytes32[](0) : Trees.proof(leaves, size, next);
    }

    function _actor(uint256 who) private pure returns (address) {
        return address(uint160(0xAC70 + who % 3));
    }
}

contract LedgerAnchorInvariantTest is Test {
    AnchorHandler private handler;

    function setUp() public {
        handler = new AnchorHandler(new LedgerAnchor());
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev Sizes never shrink, every root stands for ever, the head is the last one published, the key is the first
    /// claimer's. One campaign checks all four: each of its own would cost as much again.
    function invariant_heads_only_grow() external view {
        LedgerAnchor anchor = handler.ANCHOR();
        bytes32 key = handler.KEY();
        ILedgerAnchor.Head memory head = anchor.heads(key);
        uint64[] memory sizes = handler.heads();

        vm.assertEq(head.size, handler.size(), "size");
        vm.assertEq(head.root, handler.published(handler.size()), "root");
        vm.assertEq(head.publisher, handler.publisher(), "publisher");
        vm.assertEq(key, anchor.originKeyOf(handler.FIRST(), "scf.example/log"), "key");
        for (uint256 i = 0; i < sizes.length; ++i) {
            if (i > 0) vm.assertTrue(sizes[i] > sizes[i - 1], "a size shrank");
            vm.assertEq(anchor.roots(key, sizes[i]), handler.published(sizes[i]), "a root moved");
        }
    }
}
