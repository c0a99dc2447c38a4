package problem_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/problem"
)

// A body is checked to the end, and the caller hears everything at once.
func Example() {
	var faults problem.Faults
	faults.At("/guest/full_name", problem.Fault{Code: "name_digit", Message: "a name holds no digits", MessageVI: "họ tên không chứa chữ số"})
	faults.At("/room", problem.Fault{Code: "required", Message: "the room is missing", MessageVI: "thiếu số phòng"})

	err := fmt.Errorf("notify: %w", faults.Err())
	refusal, _ := problem.Of(err)
	fmt.Println(problem.CodeOf(err))
	for _, f := range refusal.Faults {
		fmt.Println(f.Pointer, f.Code)
	}
	// Output:
	// invalid_body
	// /guest/full_name name_digit
	// /room required
}

func TestRefusalsAreComparedByCode(t *testing.T) {
	t.Parallel()
	departed := problem.Reject("notice_departed", "the guest has departed", "khách đã rời đi")
	wrapped := fmt.Errorf("execute: %w", departed)
	if !errors.Is(wrapped, problem.Reject("notice_departed", "another text", "")) {
		t.Error("the same code is another refusal")
	}
	if errors.Is(wrapped, problem.Reject("notice_cancelled", "the guest has departed", "")) {
		t.Error("another code is the same refusal")
	}
	if code := problem.CodeOf(errors.New("disk full")); code != "internal" {
		t.Errorf("an error of ours has the code %s", code)
	}
}

func TestARefusalSaysWhatCanBeDone(t *testing.T) {
	t.Parallel()
	got, _ := problem.Of(problem.New(problem.Conflict, "c", "en", "vi"))
	want := &problem.Problem{Kind: problem.Conflict, Code: "c", Detail: "en", DetailVI: "vi"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	if got.Error() != "c: en" {
		t.Errorf("the error reads %q", got.Error())
	}
}

func TestNoFaultsAreNoError(t *testing.T) {
	t.Parallel()
	var none problem.Faults
	if err := none.Err(); err != nil {
		t.Fatal(err)
	}
}
