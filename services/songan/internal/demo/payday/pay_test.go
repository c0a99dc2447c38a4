package payday

import (
	"testing"

	"github.com/songan-vn/songan/libs/problem"
	vnperson "github.com/songan-vn/songan/libs/vn/person"
)

func TestAReceiptIsNotTakenForSomebodysNumber(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"234567abcdefghijklmnopqrst", "ab765432c7kmnopqrstuvwxyza"} {
		var f problem.Faults
		vnperson.CheckNobody(&f, "/receipt", receipt(id))
		if len(f) > 0 {
			t.Errorf("%s is refused: %v", receipt(id), f)
		}
		vnperson.CheckNobody(&f, "/receipt", "PC-"+id[:16])
		if len(f) == 0 {
			t.Errorf("%s would have done as it is", id)
		}
	}
}
