package keyring

import (
	"crypto/hmac"
	"crypto/sha256"
	"maps"
	"strings"
)

// treeDepth gives 4,096 months.
const treeDepth = 12

// tree holds the secrets of all months in a form that can forget single ones (a puncturable PRF after Goldreich,
// Goldwasser and Micali). The months are the leaves of a binary tree; a node's children are HMACs of it, so a node
// stands for every leaf below it and for no other. To forget a leaf, the nodes on its way from the root are dropped
// and their siblings kept: all other leaves can still be derived, and this one cannot, from anything that is left.
//
// Keys are paths from the root ("0110"), the root's is "".
type tree map[string][]byte

// path is the way to the month's leaf.
func (m Month) path() string {
	way := make([]byte, treeDepth)
	for i := range way {
		way[i] = '0' + byte(m>>(treeDepth-1-i)&1)
	}
	return string(way)
}

// secret derives the month's secret; ok is false when it was forgotten.
func (t tree) secret(m Month) (secret []byte, ok bool) {
	at, way, ok := t.above(m)
	if !ok {
		return nil, false
	}
	secret = t[at]
	for _, turn := range []byte(way[len(at):]) {
		secret = child(secret, turn)
	}
	return secret, true
}

// forget returns the tree without the month, and whether it was there.
func (t tree) forget(m Month) (tree, bool) {
	at, way, ok := t.above(m)
	if !ok {
		return t, false
	}
	rest := maps.Clone(t)
	node := rest[at]
	delete(rest, at)
	for i := len(at); i < len(way); i++ {
		turn := way[i]
		sibling := turn ^ 1 // '0' and '1' differ in the last bit
		rest[way[:i]+string(sibling)] = child(node, sibling)
		node = child(node, turn)
	}
	return rest, true
}

// above finds the node that the month's leaf hangs from.
func (t tree) above(m Month) (at, way string, ok bool) {
	way = m.path()
	for at := range t {
		if strings.HasPrefix(way, at) {
			return at, way, true
		}
	}
	return "", way, false
}

func child(node []byte, turn byte) []byte {
	mac := hmac.New(sha256.New, node)
	mac.Write([]byte{turn}) // a hash never errs
	return mac.Sum(nil)
}
