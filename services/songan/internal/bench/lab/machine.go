package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// describeMachine names processor, cores, memory and Go's version.
func describeMachine() string {
	return fmt.Sprintf("%s, %d cores, %s, %s/%s, %s",
		field("/proc/cpuinfo", "model name"), runtime.NumCPU(), memoryOf("/proc/meminfo", "MemTotal"),
		runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// field reads "name : value" from a file of the kernel.
func field(path, name string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return "unknown processor"
	}
	for line := range strings.Lines(string(data)) {
		key, value, found := strings.Cut(line, ":")
		if found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}

func memoryOf(path, name string) string {
	return fmt.Sprintf("%.0f GiB", float64(kibibytes(path, name))/(1<<20))
}

// kibibytes reads a figure like "VmRSS:  1234 kB"; 0 when it is not there.
func kibibytes(path, name string) int64 {
	var n int64
	if _, err := fmt.Sscanf(field(path, name), "%d kB", &n); err != nil {
		return 0
	}
	return n
}

// Memory is what the system's own process keeps in memory, in KiB.
func (l *Lab) Memory() int64 {
	return kibibytes(filepath.Join("/proc", strconv.Itoa(l.system.Process.Pid), "status"), "VmRSS")
}
