// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

/// @title Consistency of two Merkle trees, RFC 9162 section 2.1.4.2, SHA-256
library Consistency {
    /// @notice Whether the tree of `second` leaves extends the tree of `first` leaves.
    /// @dev Step numbers are those of the RFC. Requires `first < second`.
    function holds(
        uint64 first,
        bytes32 firstRoot,
        uint64 second,
        bytes32 secondRoot,
        bytes32[] calldata proof
    ) internal view returns (bool) {
        assert(first < second);
        // Every tree extends the empty one.
        if (first == 0) return proof.length == 0;
        // 1. An empty path proves nothing.
        if (proof.length == 0) return false;

        // 3, 4. Skip the levels on which the first tree's right edge is a right child.
        uint64 fn = first - 1;
        uint64 sn = second - 1;
        while (fn & 1 == 1) {
            fn >>= 1;
            sn >>= 1;
        }

        // 2, 5. A complete first tree is itself the start of the path.
        uint256 next = fn == 0 ? 0 : 1;
        bytes32 fr = fn == 0 ? firstRoot : proof[0];
        bytes32 sr = fr;

        // 6. Rebuild both roots.
        for (; next < proof.length; ++next) {
            if (sn == 0) return false;
            bytes32 node = proof[next];
            if (fn & 1 == 1 || fn == sn) {
                fr = _hash(node, fr);
                sr = _hash(node, sr);
                while (fn & 1 == 0 && fn != 0) {
                    fn >>= 1;
                    sn >>= 1;
                }
            } else {
                sr = _hash(sr, node);
            }
            fn >>= 1;
            sn >>= 1;
        }

        // 7. Both must come out as published, with the path used up.
        return sn == 0 && fr == firstRoot && sr == secondRoot;
    }

    /// @dev `SHA-256(0x01 ‖ left ‖ right)`, an inner node (RFC 9162 2.1.1). A proof takes some fifty of them, and
    /// `sha256(abi.encodePacked(...))` would allocate memory for each: 300 gas against 600.
    function _hash(bytes32 left, bytes32 right) private view returns (bytes32 node) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore8(free, 1)
            mstore(add(free, 1), left)
            mstore(add(free, 33), right)
            if iszero(staticcall(gas(), 2, free, 65, 0, 32)) { revert(0, 0) }
            node := mload(0)
        }
    }
}
