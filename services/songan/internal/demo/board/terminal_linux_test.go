package board

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/songan-vn/songan/libs/embedded/missing"
)

func TestOnATerminalThereAreBarsThatEndWhereTheyCameTo(t *testing.T) {
	t.Parallel()
	screen, terminal := pseudoTerminal(t)
	shown := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(screen) // ends with EIO when nobody has the terminal open any more
		shown <- string(text)
	}()
	b := New(terminal, func() string { return "21:40" })
	facilities := b.Gauge("facilities", 200, Everywhere)
	checkIns := b.Gauge("check-ins", 5_000, InLines)
	alone := b.Gauge("alone", 1_900, InBars)
	b.Gauge("nothing", 0, Everywhere)
	b.Start(t.Context())
	facilities.Set(300) // more than there are
	checkIns.Add(4_000)
	alone.Add(1_899)
	alone.Set(17) // a bar does not move back
	b.End()
	if err := terminal.Close(); err != nil {
		t.Fatal(err)
	}
	last := map[string]string{}
	for _, line := range strings.FieldsFunc(<-shown, func(r rune) bool { return r == '\r' || r == '\n' }) {
		if row := regexp.MustCompile(`^(?:\x1b\[\w+)*  (\S+) +\[(=*).*\] +(.*?) *$`).FindStringSubmatch(line); row != nil {
			last[row[1]] = fmt.Sprintf("%s, drawn: %t", row[3], row[2] != "")
		} else if strings.Contains(line, "21:40") {
			last["clock"] = "21:40"
		} else if strings.Contains(line, "check-ins") || strings.Contains(line, "nothing") {
			t.Errorf("drew %q", line)
		}
	}
	want := map[string]string{"clock": "21:40", "facilities": "200 of 200, drawn: true", "alone": "1,899 of 1,900, drawn: true"}
	if diff := cmp.Diff(want, last); diff != "" {
		t.Errorf("bars (-want +drawn):\n%s", diff)
	}
}

// pseudoTerminal returns both ends of a terminal of 100 columns: what is drawn on the second is read from the first.
func pseudoTerminal(t *testing.T) (screen, terminal *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		missing.Skip(t, "this machine has no pseudo-terminals: %v", err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	var number, unlocked int32
	ioctl(t, screen, syscall.TIOCGPTN, unsafe.Pointer(&number))
	ioctl(t, screen, syscall.TIOCSPTLCK, unsafe.Pointer(&unlocked))
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	size := struct{ rows, columns, width, height uint16 }{rows: 30, columns: 100}
	ioctl(t, terminal, syscall.TIOCSWINSZ, unsafe.Pointer(&size))
	return screen, terminal
}

func ioctl(t *testing.T, f *os.File, request uintptr, value unsafe.Pointer) {
	t.Helper()
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), request, uintptr(value)); errno != 0 {
		t.Fatal(os.NewSyscallError("ioctl", errno))
	}
}
