// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {ILedgerAnchor} from "./interfaces/ILedgerAnchor.sol";
import {Consistency} from "./libraries/Consistency.sol";

/// @title Heads of append-only logs, each proven to extend the one before
contract LedgerAnchor is ILedgerAnchor {
    /// @dev One word: who publishes, and how far the log is. The root stands in `_roots`.
    struct Edge {
        address publisher;
        uint64 size;
    }

    /// @dev Root of the empty tree, RFC 9162 2.1.1: the hash of nothing.
    bytes32 private constant EMPTY_ROOT = sha256("");

    mapping(bytes32 originKey => Edge) private _edges;
    mapping(bytes32 originKey => mapping(uint64 size => bytes32)) private _roots;
    mapping(bytes32 originKey => address) private _offers;

    /// @inheritdoc ILedgerAnchor
    function claim(string calldata origin) external returns (bytes32 originKey) {
        if (bytes(origin).length == 0) revert AnchorOriginEmpty();
        originKey = originKeyOf(msg.sender, origin);
        address publisher = _edges[originKey].publisher;
        if (publisher != address(0)) revert AnchorOriginClaimed(originKey, publisher);

        _edges[originKey].publisher = msg.sender;
        _roots[originKey][0] = EMPTY_ROOT;
        emit OriginClaimed(originKey, msg.sender, origin);
    }

    /// @inheritdoc ILedgerAnchor
    function publish(bytes32 originKey, uint64 size, bytes32 root, bytes32[] calldata proof)
        external
    {
        uint64 published = _onlyPublisher(originKey).size;
        bytes32 publishedRoot = _roots[originKey][published];
        if (size < published) revert AnchorSizeShrinks(originKey, published, size);
        if (size == published) {
            if (root == publishedRoot) return;
            revert AnchorRootConflict(originKey, size, publishedRoot, root);
        }
        if (root == 0) revert AnchorRootZero(originKey, size);
        if (!Consistency.holds(published, publishedRoot, size, root, proof)) {
            revert AnchorInconsistent(originKey, published, size, publishedRoot, root);
        }

        _edges[originKey].size = size;
        _roots[originKey][size] = root;
        emit HeadPublished(originKey, size, root);
    }

    /// @inheritdoc ILedgerAnchor
    function offerPublisher(bytes32 originKey, address next) external {
        _onlyPublisher(originKey);

        _offers[originKey] = next;
        emit PublisherOffered(originKey, msg.sender, next);
    }

    /// @inheritdoc ILedgerAnchor
    function acceptPublisher(bytes32 originKey) external {
        address offered = _offers[originKey];
        if (offered != msg.sender) revert AnchorNotOffered(originKey, msg.sender, offered);
        address previous = _edges[originKey].publisher;

        delete _offers[originKey];
        _edges[originKey].publisher = msg.sender;
        emit PublisherChanged(originKey, previous, msg.sender);
    }

    /// @inheritdoc ILedgerAnchor
    function heads(bytes32 originKey) external view returns (Head memory) {
        Edge storage edge = _edges[originKey];
        return Head(edge.publisher, edge.size, _roots[originKey][edge.size]);
    }

    /// @inheritdoc ILedgerAnchor
    function roots(bytes32 originKey, uint64 size) external view returns (bytes32) {
        return _roots[originKey][size];
    }

    /// @inheritdoc ILedgerAnchor
    function offers(bytes32 originKey) external view returns (address) {
        return _offers[originKey];
    }

    /// @inheritdoc ILedgerAnchor
    function originKeyOf(address claimer, string calldata origin) public pure returns (bytes32) {
        return keccak256(abi.encode(claimer, origin));
    }

    function _onlyPublisher(bytes32 originKey) private view returns (Edge storage edge) {
        edge = _edges[originKey];
        address publisher = edge.publisher;
        if (publisher == address(0)) revert AnchorOriginUnknown(originKey);
        if (publisher != msg.sender) revert AnchorNotPublisher(originKey, msg.sender, publisher);
    }
}
