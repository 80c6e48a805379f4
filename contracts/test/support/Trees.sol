// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

/// @notice Trees as RFC 9162 defines them, by recursion: 2.1.1 (hash), 2.1.4.1 (consistency proof).
/// Slow, and made in another way than the verifier, which is the point.
library Trees {
    function root(bytes32[] memory leaves) internal pure returns (bytes32) {
        return root(leaves, 0, leaves.length);
    }

    function root(bytes32[] memory leaves, uint256 from, uint256 to)
        internal
        pure
        returns (bytes32)
    {
        if (to == from) return sha256("");
        if (to - from == 1) return sha256(abi.encodePacked(bytes1(0x00), leaves[from]));
        uint256 k = split(to - from);
        return node(root(leaves, from, from + k), root(leaves, from + k, to));
    }

    /// @notice `PROOF(first, D[0:second])`; both at least 1, `first < second`.
    function proof(bytes32[] memory leaves, uint256 first, uint256 second)
        internal
        pure
        returns (bytes32[] memory)
    {
        return _subproof(leaves, first, 0, second, true);
    }

    /// @notice Any two sizes have a proof of any nodes between some two roots: for sizes whose trees no test can build.
    /// @return nodes The proof; `firstRoot`, `secondRoot` What it leads to.
    function synthetic(uint64 first, uint64 second, bytes32 seed)
        internal
        pure
        returns (bytes32[] memory nodes, bytes32 firstRoot, bytes32 secondRoot)
    {
        nodes = new bytes32[](130);
        uint256 used;
        (firstRoot, secondRoot, used) = _synthesise(first, second, true, seed, nodes);
        assembly ("memory-safe") {
            mstore(nodes, used)
        }
    }

    function node(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x01), left, right));
    }

    /// @notice The largest power of two below `n`, for `n > 1`.
    function split(uint256 n) internal pure returns (uint256 k) {
        k = 1;
        while (k << 1 < n) k <<= 1;
    }

    function _subproof(bytes32[] memory leaves, uint256 m, uint256 from, uint256 to, bool complete)
        private
        pure
        returns (bytes32[] memory)
    {
        if (m == to - from) {
            if (complete) return new bytes32[](0);
            return _with(new bytes32[](0), root(leaves, from, to));
        }
        uint256 k = split(to - from);
        if (m <= k) {
            return _with(_subproof(leaves, m, from, from + k, complete), root(leaves, from + k, to));
        }
        return _with(_subproof(leaves, m - k, from + k, to, false), root(leaves, from, from + k));
    }

    function _synthesise(uint256 m, uint256 n, bool complete, bytes32 seed, bytes32[] memory nodes)
        private
        pure
        returns (bytes32 first, bytes32 second, uint256 used)
    {
        if (m == n) {
            first = second = keccak256(abi.encode(seed, m, n));
            if (!complete) nodes[used++] = first;
            return (first, second, used);
        }
        uint256 k = split(n);
        if (m <= k) {
            (first, second, used) = _synthesise(m, k, complete, seed, nodes);
            nodes[used] = keccak256(abi.encode(seed, used));
            second = node(second, nodes[used++]);
        } else {
            (first, second, used) = _synthesise(m - k, n - k, false, seed, nodes);
            nodes[used] = keccak256(abi.encode(seed, used));
            first = node(nodes[used], first);
            second = node(nodes[used++], second);
        }
    }

    function _with(bytes32[] memory list, bytes32 last)
        private
        pure
        returns (bytes32[] memory longer)
    {
        longer = new bytes32[](list.length + 1);
        for (uint256 i = 0; i < list.length; ++i) {
            longer[i] = list[i];
        }
        longer[list.length] = last;
    }
}
