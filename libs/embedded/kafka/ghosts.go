package kafka

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A client that is killed while it waits to join a group leaves a ghost
// behind. Apache Kafka gives every member a session once the join is answered,
// and drops the ghost when that ends. kfake starts the session only if the
// answer was delivered: its ghost stays in the group for ever, with its share
// of the partitions, and nobody reads them. So the guard answers for the dead:
// it keeps the connection open until the join is answered, and leaves the group
// in the member's name.

const (
	// joinLimit is how long the answer to a dead client's join is waited for.
	// It's longer than a rebalance takes; kfake forgets some joins.
	joinLimit = 10 * time.Minute
	// joinSize is more than a request to join has.
	joinSize = 1 << 20
	// headSize is what stands before the body of an answer: size and number.
	headSize = 8
)

// joins follows the one request to join that a connection may have under way.
// kfake handles the requests of a connection one after the other.
type joins struct {
	mu       sync.Mutex
	asked    *kmsg.JoinGroupRequest // without an answer yet
	number   int32                  // of asked; its answer has the same
	member   string                 // of the answer
	answered chan struct{}          // closed by the answer to asked
	dead     bool                   // nobody is there to be answered

	closing sync.Once
	closed  chan struct{}
}

func newJoins() *joins { return &joins{closed: make(chan struct{})} }

// ask notes a request, from its key on. One that can't be read is kfake's business.
func (j *joins) ask(frame []byte) {
	from := kbin.Reader{Src: frame}
	from.Int16() // the key
	request := kmsg.NewPtrJoinGroupRequest()
	version := from.Int16()
	if version < 0 || version > request.MaxVersion() {
		return
	}
	request.SetVersion(version)
	number := from.Int32()
	from.NullableString()
	if request.IsFlexible() {
		kmsg.SkipTags(&from)
	}
	if !from.Ok() || request.ReadFrom(from.Src) != nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.asked, j.number, j.answered = request, number, make(chan struct{})
}

// answer notes what is written to the client, and tells whether it's still there.
func (j *joins) answer(frame []byte) (alive bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.asked == nil || len(frame) < headSize || int32(binary.BigEndian.Uint32(frame[4:])) != j.number { //nolint:gosec // signed
		return !j.dead
	}
	answer := kmsg.NewPtrJoinGroupResponse()
	answer.SetVersion(j.asked.Version)
	from := kbin.Reader{Src: frame[headSize:]}
	if answer.IsFlexible() {
		kmsg.SkipTags(&from)
	}
	j.member = ""
	if answer.ReadFrom(from.Src) == nil && answer.ErrorCode == 0 {
		j.member = answer.MemberID
	}
	if !j.dead {
		j.asked = nil
	}
	close(j.answered)
	return !j.dead
}

// farewell is the request to leave of a client that is gone, to be read by
// kfake after the join was answered; nil if there is nothing to leave.
func (j *joins) farewell() []byte {
	j.mu.Lock()
	asked, answered, again := j.asked, j.answered, j.dead
	j.dead = true
	j.mu.Unlock()
	if asked == nil || again {
		return nil
	}
	limit := time.NewTimer(joinLimit)
	defer limit.Stop()
	select {
	case <-answered:
	case <-j.closed:
		return nil
	case <-limit.C:
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.asked = nil
	if j.member == "" {
		return nil
	}
	leave := kmsg.NewPtrLeaveGroupRequest()
	leave.SetVersion(1)
	leave.Group, leave.MemberID = asked.Group, j.member
	frame := kmsg.NewRequestFormatter().AppendRequest(nil, leave, 0)
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4)) //nolint:gosec // small
	return frame
}

func (j *joins) close() { j.closing.Do(func() { close(j.closed) }) }
