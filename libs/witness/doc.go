// Package witness makes it evident when somebody has been at a log: a changed, removed, inserted or cut row, even by a
// superuser of the database.
//
//  1. The facts of a log are the leaves of a Merkle tree (RFC 6962, as in Certificate Transparency). Its root stands for
//     every fact up to a position, and for their order.
//  2. A [Keeper] hears or reads what was appended, adds it to the tree, and signs a [Checkpoint]: how many facts, and the root.
//     Checkpoints go where the database's superuser does not: to a file, and to a Kafka topic. They are signed notes
//     (golang.org/x/mod/sumdb/note) with an Ed25519 key that the database never holds.
//  3. [Verify] computes the tree from the rows and compares it with every checkpoint and with the leaves kept beside the
//     log, so that it names the rows that were touched and not only that some were.
//  4. A [Receipt] proves one fact to an outsider: the fact, the path to the root, and the signed checkpoint. It is
//     verified offline, with the public key alone, and says nothing about any other fact.
//  5. A leaf binds position, stream, version, type, time of recording, and the digests of data and meta. A receipt shows
//     the data; of the meta, which names actors, it shows the digest alone.
//  6. The register of who read whom has a tree of its own, with checkpoints of its own, by the same rules: see [Readings].
//
// What is not covered: facts between the last checkpoint and the tampering (at most a moment, see Options.Every), a row that
// is appended at the end, in its turn (it is signed like any other: the tree says that nothing was changed since, and not who
// wrote it), and whoever holds both the database and the signing key.
package witness
