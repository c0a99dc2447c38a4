package strict_test

import (
	"fmt"
	"strings"

	"github.com/songan-vn/songan/libs/httpapi/strict"
	"github.com/songan-vn/songan/libs/problem"
)

func ExampleReader_Read() {
	type room struct {
		Number string `json:"number" maxLength:"10"`
		Kind   string `json:"kind" enum:"single,double"`
		Note   string `json:"note,omitzero"`
	}
	_, err := strict.For[room]().Read([]byte(`{"kind":"triple","notes":"by the sea","kind":"double"}`))
	p, _ := problem.Of(err)
	for _, f := range p.Faults {
		fmt.Println(strings.TrimSpace(f.Pointer + " " + f.Code + " " + f.Hint))
	}
	// Output:
	// /kind not_allowed one of: single, double
	// /notes unknown_field did you mean note?
	// /kind duplicate_key
	// /number required
}
