// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IAssetRegistry} from "./interfaces/IAssetRegistry.sol";

/// @title Which platform encumbers which asset
contract AssetRegistry is IAssetRegistry, AccessControl, EIP712 {
    using SafeCast for uint256;

    /// @notice Keys of token services. The default admin, the consortium, grants and revokes them.
    bytes32 public constant TICKET_SIGNER_ROLE = keccak256("TICKET_SIGNER_ROLE");

    /// @notice The longest that a ticket may still run when it is used, in seconds.
    uint64 public constant MAX_TICKET_LIFE = 1 hours;

    bytes32 private constant TICKET_TYPEHASH =
        keccak256("Ticket(address operator,bytes32[] tokens,uint64 expiry,uint64 validUntil)");

    mapping(bytes32 token => Lock) private _locks;

    /// @param admin Grants and revokes roles; has no say over locks.
    /// @param ticketSigner The first token service's key.
    constructor(address admin, address ticketSigner) EIP712("SCF AssetRegistry", "1") {
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(TICKET_SIGNER_ROLE, ticketSigner);
    }

    /// @inheritdoc IAssetRegistry
    function lock(
        bytes32[] calldata tokens,
        uint64 expiry,
        uint64 validUntil,
        bytes calldata ticket
    ) external {
        if (tokens.length == 0) revert RegistryNoTokens();
        if (expiry <= block.timestamp) revert RegistryExpiryPassed(expiry, block.timestamp);
        _checkTicket(tokens, expiry, validUntil, ticket);

        Lock memory taken =
            Lock(msg.sender, uint256(expiry).toUint48(), uint256(validUntil).toUint48());
        for (uint256 i = 0; i < tokens.length; ++i) {
            _take(tokens[i], taken);
        }
    }

    /// @inheritdoc IAssetRegistry
    function release(bytes32[] calldata tokens) external {
        if (tokens.length == 0) revert RegistryNoTokens();
        for (uint256 i = 0; i < tokens.length; ++i) {
            Lock storage held = _locks[tokens[i]];
            if (held.operator != msg.sender) {
                revert RegistryNotHolder(tokens[i], msg.sender, held.operator);
            }

            held.operator = address(0);
            held.expiry = 0;
            emit Released(tokens[i], msg.sender);
        }
    }

    /// @inheritdoc IAssetRegistry
    function locks(bytes32 token) external view returns (Lock memory) {
        return _locks[token];
    }

    /// @inheritdoc IAssetRegistry
    function holder(bytes32 token) external view returns (address) {
        Lock memory held = _locks[token];
        return held.expiry > block.timestamp ? held.operator : address(0);
    }

    /// @inheritdoc IAssetRegistry
    function ticketDigest(
        address operator,
        bytes32[] calldata tokens,
        uint64 expiry,
        uint64 validUntil
    ) public view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    TICKET_TYPEHASH,
                    operator,
                    keccak256(abi.encodePacked(tokens)),
                    expiry,
                    validUntil
                )
            )
        );
    }

    function _checkTicket(
        bytes32[] calldata tokens,
        uint64 expiry,
        uint64 validUntil,
        bytes calldata ticket
    ) private view {
        if (validUntil < block.timestamp) {
            revert RegistryTicketExpired(validUntil, block.timestamp);
        }
        uint256 latest = block.timestamp + MAX_TICKET_LIFE;
        if (validUntil > latest) revert RegistryTicketTooLong(validUntil, latest);
        // The caller is part of the digest: another's ticket recovers to a stranger.
        bytes32 digest = ticketDigest(msg.sender, tokens, expiry, validUntil);
        (address signer,,) = ECDSA.tryRecoverCalldata(digest, ticket);
        if (signer == address(0) || !hasRole(TICKET_SIGNER_ROLE, signer)) {
            revert RegistryTicketNotTrusted(signer);
        }
    }

    function _take(bytes32 token, Lock memory taken) private {
        Lock memory held = _locks[token];
        if (held.operator != taken.operator && held.expiry > block.timestamp) {
            revert RegistryHeld(token, held.operator, held.expiry);
        }
        if (taken.ticketUntil <= held.ticketUntil) {
            revert RegistryTicketSpent(token, taken.ticketUntil, held.ticketUntil);
        }

        _locks[token] = taken;
        emit Locked(token, taken.operator, taken.expiry);
    }
}
