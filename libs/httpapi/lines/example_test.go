package lines_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/songan-vn/songan/libs/httpapi/lines"
)

func ExampleOrdered() {
	reader := lines.NewReader(strings.NewReader("phở\nbún\r\n\ncơm"), 100)
	err := lines.Ordered(context.Background(), lines.Flow[string, string]{
		Width: 4, Hands: 2,
		Next: func() (string, error) {
			line, err := reader.Next()
			return string(line), err // the reader uses its buffer again
		},
		Begin: func(_ context.Context, dish string) func() string {
			return func() string { return strings.ToUpper(dish) }
		},
		Emit: func(dish string) error { fmt.Println(dish); return nil },
	})
	fmt.Println(err)
	// Output:
	// PHỞ
	// BÚN
	// CƠM
	// <nil>
}
