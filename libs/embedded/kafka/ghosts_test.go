package kafka_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/songan-vn/songan/libs/embedded/kafka"
)

// member takes part in a group by hand, so that it can stop in the middle of a step.
type member struct {
	t      *testing.T
	client *kgo.Client
	group  string
	id     string
}

// newMember speaks versions from before members learnt their id first, as kafka-go does.
func newMember(t *testing.T, addr, group string) *member {
	t.Helper()
	return &member{t: t, client: as(t, addr, root, kgo.MaxVersions(kversion.V2_0_0())), group: group}
}

// join asks to join, and returns how to wait for the answer.
func (m *member) join(ctx context.Context) (wait func() (*kmsg.JoinGroupResponse, error)) {
	request := kmsg.NewPtrJoinGroupRequest()
	request.Group, request.MemberID, request.ProtocolType = m.group, m.id, "consumer"
	request.SessionTimeoutMillis, request.RebalanceTimeoutMillis = 60_000, 60_000
	protocol := kmsg.NewJoinGroupRequestProtocol()
	protocol.Name, protocol.Metadata = "range", []byte{0}
	request.Protocols = append(request.Protocols, protocol)
	type result struct {
		answer *kmsg.JoinGroupResponse
		err    error
	}
	done := make(chan result, 1)
	go func() {
		answer, err := request.RequestWith(ctx, m.client)
		if err == nil {
			err = kerr.ErrorForCode(answer.ErrorCode)
		}
		done <- result{answer, err}
	}()
	return func() (*kmsg.JoinGroupResponse, error) {
		r := <-done
		if r.err == nil {
			m.id = r.answer.MemberID
		}
		return r.answer, r.err
	}
}

// sync takes what the leader has decided, or decides.
func (m *member) sync(ctx context.Context, joined *kmsg.JoinGroupResponse) error {
	request := kmsg.NewPtrSyncGroupRequest()
	request.Group, request.MemberID, request.Generation = m.group, m.id, joined.Generation
	for _, other := range joined.Members {
		part := kmsg.NewSyncGroupRequestGroupAssignment()
		part.MemberID, part.MemberAssignment = other.MemberID, []byte{0}
		request.GroupAssignment = append(request.GroupAssignment, part)
	}
	answer, err := request.RequestWith(ctx, m.client)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(answer.ErrorCode)
}

// leave takes a member out of its group.
func (m *member) leave() {
	m.t.Helper()
	request := kmsg.NewPtrLeaveGroupRequest()
	request.Group, request.MemberID = m.group, m.id
	answer, err := request.RequestWith(m.t.Context(), m.client)
	if err == nil {
		err = kerr.ErrorForCode(answer.ErrorCode)
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

// members are those of a group, and the state that it's in.
func members(ctx context.Context, client *kgo.Client, group string) (state string, ids []string, err error) {
	request := kmsg.NewPtrDescribeGroupsRequest()
	request.Groups = []string{group}
	answer, err := request.RequestWith(ctx, client)
	if err != nil {
		return "", nil, err
	}
	for _, m := range answer.Groups[0].Members {
		ids = append(ids, m.MemberID)
	}
	return answer.Groups[0].State, ids, kerr.ErrorForCode(answer.Groups[0].ErrorCode)
}

// A process that is killed while it waits to join a group, and started again, has two members in it. The one that nobody
// is behind must not keep partitions: kfake alone keeps it for ever whenever it isn't the leader, which it draws by lot.
func TestWhoDiesWhileItJoinsAGroupIsNoMember(t *testing.T) {
	t.Parallel()
	b := start(t, kafka.Options{Dir: t.TempDir(), Users: []kafka.User{root}, Volatile: true})
	watch := as(t, b.Addr(), root)
	const groups = 8
	for i := range groups {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			group := fmt.Sprintf("group-%d", i)
			first := newMember(t, b.Addr(), group)
			answer, err := first.join(t.Context())()
			if err != nil {
				t.Fatal(err)
			}
			if err := first.sync(t.Context(), answer); err != nil {
				t.Fatal(err)
			}
			ghost := newMember(t, b.Addr(), group)
			ghost.join(t.Context())
			await(t, watch, group, "PreparingRebalance", 2)
			ghost.client.Close()
			third := newMember(t, b.Addr(), group)
			joined := third.join(t.Context())
			await(t, watch, group, "PreparingRebalance", 3)
			first.leave()
			for {
				answer, err := joined()
				if err != nil {
					t.Fatal(err)
				}
				if err = third.sync(t.Context(), answer); err == nil {
					break
				}
				joined = third.join(t.Context()) // the ghost has left meanwhile
			}
			await(t, watch, group, "Stable", 1)
		})
	}
}

// await asks again and again until a group is in a state, with so many members.
func await(t *testing.T, client *kgo.Client, group, state string, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		is, ids, err := members(ctx, client, group)
		if err != nil {
			t.Fatalf("%s does not come to %d members and %s: %v", group, n, state, err)
		}
		if is == state && len(ids) == n {
			return
		}
	}
}
