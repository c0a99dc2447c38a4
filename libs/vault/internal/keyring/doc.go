// Package keyring is the key file of a vault and all that is computed with it.
//
//  1. The file holds a Tink master keyset, the secrets of all months and the index key. It is a secret as a whole, mode
//     0600, replaced as a whole, and never quoted by an error.
//  2. The key of a month is wrapped twice, so that both are needed to open it: with the month's secret and with the
//     master key. The master key can be rotated; the month's secret can be forgotten.
//  3. What is forgotten cannot be derived from what is left; see tree.
//  4. The index key never changes: blind indexes and derived names have to be the same for ever.
package keyring
