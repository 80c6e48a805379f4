// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

/// @title Heads of append-only logs, each proven to extend the one before
/// @notice A log's operator publishes the log's size and Merkle tree hash (RFC 9162, SHA-256). Every head after the
/// first comes with a consistency proof from the last one, which the contract checks: a rewritten history has no proof.
/// @dev Warning: the contract proves that published heads extend one another. It cannot tell whether the operator shows
/// the same log to everybody, nor whether what was logged is true.
/// @dev Warning: nobody can publish for an origin whose publisher lost its key; such a log claims a new origin key.
interface ILedgerAnchor {
    /// @notice A head of a log.
    /// @param publisher Who may publish the next head.
    /// @param size Number of entries of the last head.
    /// @param root Merkle tree hash of the last head.
    struct Head {
        address publisher;
        uint64 size;
        bytes32 root;
    }

    event OriginClaimed(bytes32 indexed originKey, address indexed claimer, string origin);
    event HeadPublished(bytes32 indexed originKey, uint64 indexed size, bytes32 root);
    event PublisherOffered(
        bytes32 indexed originKey, address indexed publisher, address indexed next
    );
    event PublisherChanged(
        bytes32 indexed originKey, address indexed previous, address indexed publisher
    );

    /// @notice An origin has at least one character.
    error AnchorOriginEmpty();

    /// @notice An origin is claimed once; afterwards its publisher changes by offer and acceptance only.
    error AnchorOriginClaimed(bytes32 originKey, address publisher);

    /// @notice Only a claimed origin has heads.
    error AnchorOriginUnknown(bytes32 originKey);

    /// @notice Only the publisher publishes and offers.
    error AnchorNotPublisher(bytes32 originKey, address caller, address publisher);

    /// @notice Only the one to whom the origin is offered accepts it.
    error AnchorNotOffered(bytes32 originKey, address caller, address offered);

    /// @notice A log never shrinks.
    error AnchorSizeShrinks(bytes32 originKey, uint64 published, uint64 size);

    /// @notice A size has one root.
    error AnchorRootConflict(bytes32 originKey, uint64 size, bytes32 published, bytes32 root);

    /// @notice The zero word means "never published" and is no root.
    error AnchorRootZero(bytes32 originKey, uint64 size);

    /// @notice A head extends the last one, shown by an RFC 9162 consistency proof.
    error AnchorInconsistent(
        bytes32 originKey, uint64 published, uint64 size, bytes32 publishedRoot, bytes32 root
    );

    /// @notice Claims `origin` for the caller; its first head is the empty tree.
    /// @dev The key holds the first claimer's address, so nobody can take another's name, and it never changes.
    /// @return originKey `keccak256(abi.encode(caller, origin))`, by which the origin is named from now on.
    function claim(string calldata origin) external returns (bytes32 originKey);

    /// @notice Publishes the head `(size, root)`. The last head again, with any proof, changes nothing.
    /// @param proof RFC 9162 2.1.4.1 consistency proof from the last head's size to `size`; empty from the empty tree.
    function publish(bytes32 originKey, uint64 size, bytes32 root, bytes32[] calldata proof)
        external;

    /// @notice Offers the origin to `next`; the zero address withdraws an offer. No head changes.
    function offerPublisher(bytes32 originKey, address next) external;

    /// @notice Takes an offered origin over: from now on the caller publishes under the same origin key.
    function acceptPublisher(bytes32 originKey) external;

    /// @notice The last head of an origin; all zero when it was never claimed.
    function heads(bytes32 originKey) external view returns (Head memory);

    /// @notice The root that was published for a size; zero when none was.
    function roots(bytes32 originKey, uint64 size) external view returns (bytes32);

    /// @notice To whom the origin is offered; zero when to nobody.
    function offers(bytes32 originKey) external view returns (address);

    /// @notice The key that `claimer` gets, or got, by claiming `origin`.
    function originKeyOf(address claimer, string calldata origin) external pure returns (bytes32);
}
