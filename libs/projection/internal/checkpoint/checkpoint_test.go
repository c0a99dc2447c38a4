package checkpoint

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHowFarOneReadModelIsBehindAnother(t *testing.T) {
	t.Parallel()
	log, topic := Place{Source: OwnLog}, Place{Source: "songan.desk.v1"}
	mine := Progress{log: {Position: 5}}
	cases := []struct {
		target Progress
		want   int64
	}{
		{Progress{}, 0},
		{Progress{log: {Position: 5}}, 0},
		{Progress{log: {Position: 3}}, 0},
		{Progress{log: {Position: 9}, topic: {Position: 2}}, 6},
	}
	for _, c := range cases {
		if got := mine.Behind(c.target); got != c.want {
			t.Errorf("%v is %d behind %v, want %d", mine, got, c.target, c.want)
		}
	}
	if diff := cmp.Diff(Progress{log: {Position: 9}}, cases[3].target.Only(map[string]bool{OwnLog: true})); diff != "" {
		t.Errorf("only the log (-want +got):\n%s", diff)
	}
}
