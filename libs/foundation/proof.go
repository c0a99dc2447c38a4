package foundation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/witness"
)

// AskProof says which fact of a thing's life is to be proven.
type AskProof struct {
	Version int `query:"version" minimum:"1" maximum:"1000000" doc:"place of the fact in the history"`
}

// proofPatience is when a checkpoint that stands for a fact can be expected.
const proofPatience = 2 * time.Second

// Proof proves one fact of a stream to somebody who has neither the log nor our word; see witness.Receipt. Version 0 is the
// latest fact.
func (f *Foundation) Proof(ctx context.Context, stream string, version int) (witness.Receipt, error) {
	facts, err := f.Log.Load(ctx, stream)
	if err != nil {
		return witness.Receipt{}, fmt.Errorf("prove a fact of %s: %w", stream, err)
	}
	if version == 0 {
		version = len(facts)
	}
	if version < 1 || version > len(facts) {
		return witness.Receipt{}, problem.New(problem.NotFound, "fact_unknown", "its history has no such fact", "lịch sử không có mục này")
	}
	receipt, err := f.Witness.Receipt(ctx, facts[version-1].Position)
	if errors.Is(err, witness.ErrNotYet) {
		return witness.Receipt{}, &problem.Problem{
			Kind: problem.Unavailable, Code: "proof_pending", RetryAfter: proofPatience,
			Detail: "no signed checkpoint stands for the fact yet", DetailVI: "chưa có điểm xác nhận đã ký cho mục này",
		}
	}
	return receipt, err
}
