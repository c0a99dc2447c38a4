package vault_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/songan-vn/songan/libs/vault"
)

func Example() {
	folder, err := os.MkdirTemp("", "vault")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(folder) }()
	path := filepath.Join(folder, "accommodation.keys")

	fmt.Println("made:", vault.CreateMaster(path) == nil)
	fmt.Println("a second time:", errors.Is(vault.CreateMaster(path), fs.ErrExist))
	_, err = vault.LoadKeys(path)
	fmt.Println("loaded:", err == nil)
	_ = os.Chmod(path, 0o644)
	_, err = vault.LoadKeys(path)
	fmt.Println("loaded when all may read it:", err == nil)

	// keys → vault.Open(ctx, pool, keys, vault.Options{}) → v.Seal(...) → stored with the fact → v.Read(...)
	var read vault.Plain
	fmt.Printf("what was read: %v %+v %#v\n", read, read, read)
	// Output:
	// made: true
	// a second time: true
	// loaded: true
	// loaded when all may read it: false
	// what was read: *** *** ***
}
