// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

/// @title Which platform encumbers which asset
/// @notice An asset is an opaque token, made by the token service from the asset's canonical identity under the
/// service's key: outsiders cannot test guesses. An operator (a platform) locks the tokens of an asset at its first
/// encumbrance and releases them with its last, so that no second platform has the same asset financed meanwhile.
/// @dev A lock needs a ticket: the token service's signature that this operator holds the document behind each token.
/// It is EIP-712 typed data `Ticket(address operator,bytes32[] tokens,uint64 expiry,uint64 validUntil)` in the domain
/// `("SCF AssetRegistry", "1", chain id, this contract)`, 65 bytes `r ‖ s ‖ v`.
/// @dev A token remembers the `validUntil` of the last ticket used on it, through a release too, and takes later ones
/// only. So a ticket works once, and tickets work in the order in which they run out.
/// @dev Warning: a lock says who encumbers an asset; it neither creates nor ranks a right in it.
/// @dev Warning: there is no forced release. A vanished operator's lock ends at its expiry.
interface IAssetRegistry {
    /// @notice The holder of a token.
    /// @param operator Who locked it last and has not released it; zero when nobody.
    /// @param expiry When the lock stops binding, Unix seconds; from this second on another operator may take the token.
    /// @param ticketUntil `validUntil` of the last ticket used on the token.
    struct Lock {
        address operator;
        uint48 expiry;
        uint48 ticketUntil;
    }

    event Locked(bytes32 indexed token, address indexed operator, uint64 expiry);
    event Released(bytes32 indexed token, address indexed operator);

    /// @notice A call names at least one token.
    error RegistryNoTokens();

    /// @notice A lock ends in the future.
    error RegistryExpiryPassed(uint64 expiry, uint256 timestamp);

    /// @notice A ticket is used before it runs out.
    error RegistryTicketExpired(uint64 validUntil, uint256 timestamp);

    /// @notice A ticket is short-lived.
    error RegistryTicketTooLong(uint64 validUntil, uint256 latest);

    /// @notice A ticket is signed by a token service, over exactly these tokens and dates, for the caller.
    /// @param signer Whom the signature recovers to under what was called; zero when it is malformed.
    error RegistryTicketNotTrusted(address signer);

    /// @notice A ticket is used once, and before any ticket that runs out later.
    error RegistryTicketSpent(bytes32 token, uint64 validUntil, uint64 spentUntil);

    /// @notice One operator at a time holds a token.
    error RegistryHeld(bytes32 token, address operator, uint64 expiry);

    /// @notice Only the holder releases.
    error RegistryNotHolder(bytes32 token, address caller, address operator);

    /// @notice Locks all of `tokens` for the caller until `expiry`, or none of them.
    /// A token that the caller holds already is renewed; one whose lock has expired is taken over.
    /// @param tokens In the order of the ticket, each once.
    /// @param validUntil Last second in which the ticket may be used.
    /// @param ticket The token service's signature.
    function lock(
        bytes32[] calldata tokens,
        uint64 expiry,
        uint64 validUntil,
        bytes calldata ticket
    ) external;

    /// @notice Releases all of `tokens`, or none of them. Its own expired lock a holder may release too.
    function release(bytes32[] calldata tokens) external;

    /// @notice The lock of a token as stored, whether it still binds or not.
    function locks(bytes32 token) external view returns (Lock memory);

    /// @notice Who holds the token now; zero when nobody does or the lock has expired.
    function holder(bytes32 token) external view returns (address);

    /// @notice What a token service signs.
    function ticketDigest(
        address operator,
        bytes32[] calldata tokens,
        uint64 expiry,
        uint64 validUntil
    ) external view returns (bytes32);
}
