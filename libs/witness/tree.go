package witness

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	// chunkLevel is the height of the subtree that one row of witness_leaves holds.
	chunkLevel = 10
	chunkSize  = 1 << chunkLevel
)

// tree is a Merkle tree that keeps the roots of full chunks and the leaves of the last one. A log of ten million facts
// takes 320 KB.
type tree struct {
	roots []tlog.Hash // of full chunks
	last  []tlog.Hash // leaves of the chunk that fills
}

// size is the number of leaves.
func (t *tree) size() int64 { return int64(len(t.roots))*chunkSize + int64(len(t.last)) }

func (t *tree) add(leaf tlog.Hash) {
	t.last = append(t.last, leaf)
	if len(t.last) == chunkSize {
		t.roots = append(t.roots, fold(t.last))
		t.last = nil
	}
}

// root is that of the whole tree.
func (t *tree) root() (tlog.Hash, error) {
	root, err := tlog.TreeHash(t.size(), t.reader(nil))
	if err != nil {
		return tlog.Hash{}, fmt.Errorf("compute the root of %d facts: %w", t.size(), err)
	}
	return root, nil
}

// fold is the root of a full subtree.
func fold(hashes []tlog.Hash) tlog.Hash {
	if len(hashes) == 1 {
		return hashes[0]
	}
	half := len(hashes) / 2
	return tlog.NodeHash(fold(hashes[:half]), fold(hashes[half:]))
}

// reader answers with the inner hashes of the tree. leaves gives those of a full chunk; nil when only the root is asked
// for, which needs none.
func (t *tree) reader(leaves func(chunk int64) ([]tlog.Hash, error)) tlog.HashReaderFunc {
	return func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			level, n := tlog.SplitStoredHashIndex(index)
			hash, err := t.inner(level, n, leaves)
			if err != nil {
				return nil, err
			}
			hashes[i] = hash
		}
		return hashes, nil
	}
}

func (t *tree) inner(level int, n int64, leaves func(chunk int64) ([]tlog.Hash, error)) (tlog.Hash, error) {
	if level >= chunkLevel {
		width := int64(1) << (level - chunkLevel)
		return fold(t.roots[n*width : (n+1)*width]), nil
	}
	width := int64(1) << level
	chunk, from := n*width/chunkSize, n*width%chunkSize
	if chunk == int64(len(t.roots)) {
		return fold(t.last[from : from+width]), nil
	}
	if leaves == nil {
		return tlog.Hash{}, fmt.Errorf("chunk %d is not at hand", chunk)
	}
	all, err := leaves(chunk)
	if err != nil {
		return tlog.Hash{}, err
	}
	return fold(all[from : from+width]), nil
}
