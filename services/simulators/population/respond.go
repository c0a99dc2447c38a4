package population

import (
	"encoding/binary"
	"encoding/json"
	"net"
	"net/http"
	"time"

	"github.com/songan-vn/songan/services/simulators/internal/control"
	"github.com/songan-vn/songan/services/simulators/internal/dice"
)

// hangLongest ends a hang if the caller never gives up.
const hangLongest = 2 * time.Minute

// verdict is the honest answer, and what decides whether it is given.
type verdict struct {
	answer   Answer
	question Question
	asked    uint32 // how often this number was asked before
}

// respond answers, or fails as the faults of the moment and the dice want it.
func (s *Simulator) respond(w http.ResponseWriter, r *http.Request, v verdict) {
	hash := Hash(v.question.Number)
	d := dice.New(s.seed, 'r', binary.BigEndian.Uint64(hash[:8]), uint64(v.asked))
	faults, _, _ := s.faults.get()
	mode, delay := faults.mode(d), faults.Latency.Draw(d)
	if faults.Refuse {
		mode = Reset // a connection from before the port was closed
	}
	if mode == "" && !s.faults.admit() {
		mode = RateLimited
	}
	if !s.wait(r, delay) {
		tearDown(w)
		return
	}
	s.counters.answered(mode, v.answer.Result)
	switch mode {
	case "":
		control.Write(w, http.StatusOK, v.answer)
	case Wrong:
		control.Write(w, http.StatusOK, lie(d, v.answer))
	case Values:
		control.Write(w, http.StatusOK, Answer{Result: Mismatched, Differs: []string{v.question.FullName, v.question.BirthDate}})
	case Hang:
		s.wait(r, hangLongest)
		tearDown(w)
	case Reset:
		tearDown(w)
	default:
		writeUnreadable(w, mode, v.answer)
	}
}

// wait returns false if the caller gave up or the simulator stops.
func (s *Simulator) wait(r *http.Request, delay time.Duration) bool {
	if delay <= 0 {
		return true
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	case <-s.stopped:
		return false
	}
}

// lie turns the answer into another one that can be read as well.
func lie(d *dice.Dice, honest Answer) Answer {
	switch {
	case honest.Result != Matched && d.OneIn(2):
		return Answer{Result: Matched, Differs: []string{}}
	case honest.Result != NotFound && d.OneIn(2):
		return Answer{Result: NotFound, Differs: []string{}}
	case honest.Result != Mismatched:
		return Answer{Result: Mismatched, Differs: []string{dice.Pick(d, []string{"full_name", "birth_date", "sex"})}}
	default:
		return Answer{Result: Matched, Differs: []string{}}
	}
}

// writeUnreadable answers in a way that no client can take for an answer.
func writeUnreadable(w http.ResponseWriter, mode Mode, honest Answer) {
	switch mode {
	case Garbage:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("\x1f\x8b\x00{{\xff\xfe result: matched")) // not even UTF-8
	case HTML:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<!doctype html><title>Bảo trì</title><h1>Hệ thống đang bảo trì, vui lòng quay lại sau</h1>\n"))
	case Truncated:
		text, _ := json.Marshal(honest) // strings and slices of strings always become JSON
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "4096")
		_, _ = w.Write(text[:len(text)/2])
	case Empty:
		w.WriteHeader(http.StatusOK)
	case RateLimited:
		w.Header().Set("Retry-After", "1")
		control.Refuse(w, http.StatusTooManyRequests, "rate_limited", "too many checks a second")
	case Broken:
		control.Refuse(w, http.StatusInternalServerError, "internal", "something went wrong")
	default:
		w.Header().Set("Retry-After", "2")
		control.Refuse(w, http.StatusServiceUnavailable, "unavailable", "the register is away")
	}
}

// tearDown ends the connection without an answer.
func tearDown(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) //nolint:forbidigo // the way net/http offers to drop a connection that cannot be taken over
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a reset instead of a polite end
	}
	_ = conn.Close()
}
