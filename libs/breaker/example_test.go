package breaker_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/songan-vn/songan/libs/breaker"
)

func Example() {
	population, err := breaker.New("population", breaker.Settings{Failures: 2, OpenFor: time.Minute})
	if err != nil {
		fmt.Println(err)
		return
	}
	ask := func(context.Context) (string, error) {
		return "", &breaker.StatusError{Code: 503} // what breaker.CheckStatus makes of such an answer
	}
	for range 3 {
		_, err := breaker.Do(context.Background(), population, ask)
		fmt.Println("down:", breaker.IsDown(err), "open:", errors.Is(err, breaker.ErrOpen))
	}
	// Output:
	// down: true open: false
	// down: true open: false
	// down: true open: true
}
