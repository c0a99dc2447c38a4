// Package vault keeps what is known of people: encrypted, named by reference, and erasable.
//
//  1. Facts, lists and messages name a person by [Ref]. The person stands in one row of the vault and nowhere else.
//     A row never changes; a correction is a new row with a new reference.
//  2. A row is sealed with AES-256-GCM (Tink) under the data key of the month (UTC+7) in which it was written. Reference
//     and purpose are its associated data: a row that was moved or relabelled does not open.
//  3. The key of a month lies in vault_keys, wrapped twice: by the master keyset, which decides who may read and can be
//     rotated ([Vault.RotateMaster]), and by the month's own secret, which decides what may still be read. Both
//     come from one file, mode 0600, one per service ([CreateMaster], [LoadKeys]); the database holds neither.
//  4. Exact search goes by blind indexes: HMAC-SHA-256 of the normalised value, a key of its own for each kind.
//     Normalising is the caller's (libs/vn): documents are upper-case letters and digits; names are folded, without
//     marks, upper case, single spaces. What is not normalised is refused, because it would never be found.
//  5. Whoever reads names actor, purpose and case ([Reading]), and the reading is recorded in the same transaction.
//  6. What was read is a [Plain], which writes itself as "***" everywhere; only [Plain.Decode] opens it.
//  7. [Vault.Erase] deletes rows and writes each reference into the erasure ledger: a table and, before it is
//     committed, an fsynced file beside the database. After a restore [Vault.ReplayErasures] erases them again.
//  8. [Vault.DestroyMonth] makes a whole month unreadable everywhere, in backups and dead tuples as well: the month's
//     secret is cut out of the key file in such a way that what remains cannot derive it, while all other
//     months stay derivable. Copies of the key file from before must be replaced too, or they undo it.
//  9. Sealing is arithmetic and touches no database. The keys of this month and the next are made ahead, by [Open] and
//     by [Vault.Sweep], which is run every day and removes what has expired.
//  10. Names and digests that must be the same tomorrow ([Vault.Name], [Vault.Fingerprint]) and the blind indexes use
//     the file's index key. It never rotates: ids are derived from it.
//  11. What a law or a case forbids to erase is on hold ([Vault.Hold]); a request to erase it is refused, with the reason.
//  12. Everybody may know who read them ([Vault.Tell]); after a breach one finds whom a key has read ([Vault.ReadBy]).
//  13. What was kept long enough goes by a [Term] ([Vault.Retain]), with a proof that names the rule; months without rows lose
//     their keys ([Vault.DestroySpent]).
//  14. What people ask for about their data is registered with its deadlines ([Vault.Receive]) and answered once
//     ([Vault.Reply]). The register knows who asked, by the blind index, until then.
package vault
