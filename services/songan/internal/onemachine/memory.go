package onemachine

import (
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// memoryIn is how many bytes of memory this process may use at most: those of the machine or of a control group that it
// lives in, whichever is less; 0 where nobody says. A group's limit counts even if it was set from outside a container, for
// which its own group is the root.
func memoryIn(root fs.FS) uint64 {
	least := uint64(0)
	for _, limit := range append(groupLimits(root), machineMemory(root)) {
		if limit > 0 && (least == 0 || limit < least) {
			least = limit
		}
	}
	return least
}

func machineMemory(root fs.FS) uint64 {
	var kibibytes uint64
	if _, err := fmt.Sscanf(text(root, "proc/meminfo"), "MemTotal: %d kB", &kibibytes); err != nil {
		return 0
	}
	return kibibytes << 10
}

// groupLimits are those of the process's groups and of all above them, of both versions of control groups. Without a limit
// the one version says "max", and the other a number beyond all memory.
func groupLimits(root fs.FS) (limits []uint64) {
	for line := range strings.Lines(text(root, "proc/self/cgroup")) { // hierarchy:controllers:group
		hierarchy, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, group, _ := strings.Cut(rest, ":")
		mount, file := "sys/fs/cgroup", "memory.max"
		switch {
		case strings.Contains(","+controllers+",", ",memory,"):
			mount, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		case hierarchy != "0":
			continue
		}
		for group = path.Clean("/" + group); ; group = path.Dir(group) {
			if limit, err := strconv.ParseUint(strings.TrimSpace(text(root, path.Join(mount, group, file))), 10, 64); err == nil {
				limits = append(limits, limit)
			}
			if group == "/" {
				break
			}
		}
	}
	return limits
}

// text is what a file of the kernel says; "" if it is not there.
func text(root fs.FS, file string) string {
	content, err := fs.ReadFile(root, file)
	if err != nil {
		return ""
	}
	return string(content)
}
