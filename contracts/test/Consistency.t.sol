// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {Consistency} from "../src/libraries/Consistency.sol";
import {Test} from "./support/Test.sol";
import {Trees} from "./support/Trees.sol";

contract ConsistencyTest is Test {
    uint256 private constant LEAVES_MAX = 96;

    function test_agrees_with_code_that_is_not_ours() public view {
        string memory json = vm.readFile("contracts/test/vectors/consistency.json");
        uint256 count = vm.parseJsonUint(json, ".count");
        for (uint256 i = 0; i < count; ++i) {
            string memory path = string.concat(".cases[", vm.toString(i), "]");
            bool found = this.holds(
                uint64(vm.parseJsonUint(json, string.concat(path, ".first"))),
                vm.parseJsonBytes32(json, string.concat(path, ".first_root")),
                uint64(vm.parseJsonUint(json, string.concat(path, ".second"))),
                vm.parseJsonBytes32(json, string.concat(path, ".second_root")),
                vm.parseJsonBytes32Array(json, string.concat(path, ".proof"))
            );
            bool expected = vm.parseJsonBool(json, string.concat(path, ".holds"));
            string memory what = vm.parseJsonString(json, string.concat(path, ".what"));
            vm.assertTrue(found == expected, string.concat(path, " ", what));
        }
    }

    function testFuzz_every_extension_has_a_proof(bytes32 seed, uint256 first, uint256 second)
        public
        view
    {
        (bytes32[] memory leaves, uint64 m, uint64 n) = _extension(seed, first, second);
        bytes32[] memory proof = Trees.proof(leaves, m, n);

        vm.assertTrue(this.holds(m, Trees.root(leaves, 0, m), n, Trees.root(leaves), proof));
    }

    function testFuzz_a_rewritten_leaf_has_none(
        bytes32 seed,
        uint256 first,
        uint256 second,
        uint256 which,
        bytes32 leaf
    ) public view {
        (bytes32[] memory leaves, uint64 m, uint64 n) = _extension(seed, first, second);
        bytes32 published = Trees.root(leaves, 0, m);
        which = _bound(which, 0, m - 1);
        vm.assume(leaves[which] != leaf);
        leaves[which] = leaf;

        bytes32[] memory proof = Trees.proof(leaves, m, n);

        vm.assertFalse(this.holds(m, published, n, Trees.root(leaves), proof));
    }

    function testFuzz_a_changed_proof_fails(
        bytes32 seed,
        uint256 first,
        uint256 second,
        uint256 which,
        uint256 bit
    ) public view {
        (bytes32[] memory leaves, uint64 m, uint64 n) = _extension(seed, first, second);
        bytes32[] memory proof = Trees.proof(leaves, m, n);
        which = _bound(which, 0, proof.length - 1);
        proof[which] ^= bytes32(uint256(1) << _bound(bit, 0, 255));

        vm.assertFalse(this.holds(m, Trees.root(leaves, 0, m), n, Trees.root(leaves), proof));
    }

    function testFuzz_another_length_fails(
        bytes32 seed,
        uint256 first,
        uint256 second,
        bool longer,
        bytes32 extra
    ) public view {
        (bytes32[] memory leaves, uint64 m, uint64 n) = _extension(seed, first, second);
        bytes32[] memory proof = Trees.proof(leaves, m, n);
        bytes32[] memory other = new bytes32[](longer ? proof.length + 1 : proof.length - 1);
        for (uint256 i = 0; i < other.length; ++i) {
            other[i] = i < proof.length ? proof[i] : extra;
        }

        vm.assertFalse(this.holds(m, Trees.root(leaves, 0, m), n, Trees.root(leaves), other));
    }

    /// @dev The nodes lead to both roots, but by more steps than trees of 3 and 4 leaves have.
    function test_a_proof_of_larger_trees_is_too_long() public view {
        bytes32[] memory leaves = _leaves("larger", 8);
        bytes32 seven = Trees.root(leaves, 0, 7);
        bytes32 eight = Trees.root(leaves);
        bytes32[] memory proof = Trees.proof(leaves, 7, 8);

        vm.assertTrue(this.holds(7, seven, 8, eight, proof));
        vm.assertFalse(this.holds(3, seven, 4, eight, proof));
    }

    /// @dev The nodes lead to both roots, but by fewer steps than a tree of 16 leaves has.
    function test_a_proof_of_smaller_trees_is_too_short() public view {
        bytes32[] memory leaves = _leaves("smaller", 8);
        bytes32 four = Trees.root(leaves, 0, 4);
        bytes32 eight = Trees.root(leaves);
        bytes32[] memory proof = Trees.proof(leaves, 4, 8);

        vm.assertTrue(this.holds(4, four, 8, eight, proof));
        vm.assertFalse(this.holds(4, four, 16, eight, proof));
    }

    function testFuzz_no_size_is_too_large(uint64 first, uint64 second, bytes32 seed) public view {
        first = uint64(_bound(first, 1, type(uint64).max - 1));
        second = uint64(_bound(second, uint256(first) + 1, type(uint64).max));
        (bytes32[] memory proof, bytes32 one, bytes32 two) = Trees.synthetic(first, second, seed);

        vm.assertTrue(this.holds(first, one, second, two, proof));
        vm.assertFalse(this.holds(first, one, second, keccak256(abi.encode(two)), proof));
    }

    function testFuzz_from_the_empty_tree_nothing_is_to_be_shown(
        uint64 size,
        bytes32 root,
        bytes32[] calldata proof
    ) public view {
        size = uint64(_bound(size, 1, type(uint64).max));

        bool found = this.holds(0, sha256(""), size, root, proof);

        vm.assertTrue(found == (proof.length == 0));
    }

    /// @dev The library takes its proof from call data.
    function holds(
        uint64 first,
        bytes32 firstRoot,
        uint64 second,
        bytes32 secondRoot,
        bytes32[] calldata proof
    ) external view returns (bool) {
        return Consistency.holds(first, firstRoot, second, secondRoot, proof);
    }

    function _extension(bytes32 seed, uint256 first, uint256 second)
        private
        pure
        returns (bytes32[] memory leaves, uint64 m, uint64 n)
    {
        n = uint64(_bound(second, 2, LEAVES_MAX));
        m = uint64(_bound(first, 1, n - 1));
        leaves = _leaves(seed, n);
    }

    function _leaves(bytes32 seed, uint256 count) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            leaves[i] = keccak256(abi.encode(seed, i));
        }
    }
}
