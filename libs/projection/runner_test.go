package projection_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/projection"
)

func projector(context.Context, []string) error { return nil }

func TestAReadModelFollowsTheLog(t *testing.T) {
	t.Parallel()
	i := newInn(t)
	r := i.runner(projection.Options{})
	m := i.add(t, r, stays("stays_v1").Projection())
	start(t, r)
	wait(t, m, i.lodge(t, 1, 2))
	want := strings.Join([]string{
		`(000001,2,1,t,"2026-11-21 07:00:01.123456+00",,2026-11-23,"{""a \\""quoted\\"" one"",""back\\\\slash"",một,""moved to 2""}",,"{""floor"": ""1""}",0)`,
		`(000002,3,1,f,"2026-11-21 07:00:02.123456+00","2026-11-21 08:00:02.123456+00",2026-11-23,"{""a \\""quoted\\"" one"",""back\\\\slash"",một,""moved to 3""}",,"{""floor"": ""2""}",3600)`,
	}, "\n")
	if diff := cmp.Diff(want, i.dump(t, "stays")); diff != "" {
		t.Errorf("the view (-want +got):\n%s", diff)
	}
}
