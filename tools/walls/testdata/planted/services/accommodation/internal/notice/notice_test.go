package notice_test

import (
	"context"
	"testing"
	"time"

	_ "github.com/songan-vn/songan/libs/decider/decidertest"
	_ "github.com/songan-vn/songan/libs/testkit"
	_ "github.com/songan-vn/songan/services/identity/api" // want depguard:service-accommodation
)

func TestOK(t *testing.T) {
	println("for a TestMain, which has no t")
	t.Log(context.Background(), time.Now(), float64(1))
	panic("in a test")
}
