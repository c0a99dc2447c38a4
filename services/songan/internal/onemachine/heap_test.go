package onemachine

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestTheHeapHasRoomAndNeverLessThanWhatLives(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		live, memory := rapid.Uint64Range(0, 8<<30).Draw(t, "live"), rapid.Uint64Range(0, 64<<30).Draw(t, "memory")
		percent := growth(live, memory)
		if percent < leastGrowth || percent > mostGrowth {
			t.Fatalf("the heap may grow by %d %%", percent)
		}
		heap := live + live*uint64(percent)/100
		if heap > max(roomIn(memory), 2*live, memory/mostShare) || heap > max(roomIn(memory), live*7/2) {
			t.Fatalf("a heap of %d bytes for %d that live", heap, live)
		}
		if ample := live*7/2 + 1; ample <= memory/mostShare && percent < ampleGrowth {
			t.Fatalf("there is memory for a heap of %d bytes, and it may grow by %d %%", ample, percent)
		}
	})
}

func TestTheRoomIsAShareOfTheMemory(t *testing.T) {
	t.Parallel()
	got := map[string]uint64{}
	for what, memory := range map[string]uint64{"unknown": 0, "a small container": 1 << 30, "9 GiB": 9 << 30, "much": 1 << 40} {
		got[what] = roomIn(memory)
	}
	want := map[string]uint64{"unknown": leastRoom, "a small container": 256 << 20, "9 GiB": (9 << 30) / share, "much": mostRoom}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("room (-want +got):\n%s", diff)
	}
}

func TestTheMemoryIsTheLeastThatMachineAndGroupsLeave(t *testing.T) {
	t.Parallel()
	const machine = "proc/meminfo"
	for name, c := range map[string]struct {
		files map[string]string
		want  uint64
	}{
		"nobody says": {},
		"the machine alone": {
			files: map[string]string{machine: "MemTotal:       8388608 kB\nMemFree: 1 kB\n", "proc/self/cgroup": "0::/\n"}, want: 8 << 30,
		},
		"a group without a limit": {
			files: map[string]string{
				machine: "MemTotal: 4 kB\n", "proc/self/cgroup": "0::/user\n", "sys/fs/cgroup/user/memory.max": "max\n",
			}, want: 4 << 10,
		},
		"a group of version 2": {
			files: map[string]string{machine: "MemTotal: 4 kB\n", "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "1024\n"}, want: 1024,
		},
		"the group above": {
			files: map[string]string{
				machine: "MemTotal: 4 kB\n", "proc/self/cgroup": "0::/a/b\n",
				"sys/fs/cgroup/a/b/memory.max": "2048\n", "sys/fs/cgroup/a/memory.max": "1024\n",
			}, want: 1024,
		},
		"a group of version 1": {
			files: map[string]string{
				machine: "MemTotal: 4 kB\n", "proc/self/cgroup": "9:cpu:/c\n4:hugetlb,memory:/c\n0::/\n",
				"sys/fs/cgroup/memory/c/memory.limit_in_bytes": "1024\n",
			}, want: 1024,
		},
		"a container that sees its own group as the root": {
			files: map[string]string{
				machine: "MemTotal: 4 kB\n", "proc/self/cgroup": "4:memory:/docker/1\n",
				"sys/fs/cgroup/memory/memory.limit_in_bytes": "1024\n",
			}, want: 1024,
		},
		"version 1 without a limit": {
			files: map[string]string{
				machine: "MemTotal: 4 kB\n", "proc/self/cgroup": "4:memory:/\n",
				"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
			}, want: 4 << 10,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := fstest.MapFS{}
			for file, text := range c.files {
				root[file] = &fstest.MapFile{Data: []byte(text)}
			}
			if got := memoryIn(root); got != c.want {
				t.Errorf("%d bytes, want %d", got, c.want)
			}
		})
	}
}

func TestWhoSetsGoGCOrItsLimitIsNotOverruled(t *testing.T) {
	t.Parallel()
	for variable, want := range map[string]bool{"GOGC": true, "GOMEMLIMIT": true, "GOMAXPROCS": false} {
		if got := given(func(name string) string { return map[string]string{variable: "50"}[name] }); got != want {
			t.Errorf("%s: given is %t", variable, got)
		}
	}
}
