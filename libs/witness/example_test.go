package witness_test

import (
	"errors"
	"fmt"
	"strings"

	"github.com/songan-vn/songan/libs/testkit"
	"github.com/songan-vn/songan/libs/witness"
)

// A superuser switches the triggers off and changes a fact. The log is compared with the checkpoint that was signed before.
func ExampleVerify() {
	t, done := testkit.Example()
	defer done()
	b := open(t) // a log, a signing key, and a keeper that publishes to a file
	b.coin(t, 3)
	fmt.Println("signed facts:", b.sign(t).Size)

	const touch = `alter table events disable trigger all; update events set data = '{"coins": 1000}' where position = 2`
	if _, err := b.pool.Exec(t.Context(), touch); err != nil {
		fmt.Println(err)
	}
	for _, f := range b.verify(t, b.pool).Findings {
		fmt.Println(f.Kind, "at position", f.Position)
	}
	// Output:
	// signed facts: 3
	// changed at position 2
}

// An outsider has the receipt and the public key, and neither the log nor our word.
func ExampleReceipt_Verify() {
	t, done := testkit.Example()
	defer done()
	b := open(t)
	b.coin(t, 3)
	b.sign(t)
	receipt, err := b.keeper.Receipt(t.Context(), 2)
	if err != nil {
		fmt.Println(err)
	}

	checkpoint, err := receipt.Verify(b.verifiers)
	fmt.Println(receipt.Data, "is one of", checkpoint.Size, err)
	receipt.Data = strings.Replace(receipt.Data, "1", "1000", 1)
	_, err = receipt.Verify(b.verifiers)
	fmt.Println("changed:", errors.Is(err, witness.ErrForged))
	// Output:
	// {"coins":1} is one of 3 <nil>
	// changed: true
}
