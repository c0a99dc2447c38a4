package testkit_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/songan-vn/songan/libs/testkit"
)

func TestZZ(t *testing.T) {
	b := testkit.Kafka(t)
	topic := testkit.Topic(t, b, 1)
	v := strings.Repeat("x", 600)
	for _, n := range []int{1, 500} {
		rounds := 300
		if n > 1 { rounds = 100 }
		var ds []time.Duration
		began := time.Now()
		for range rounds {
			s := time.Now()
			var rs []kafkago.Record
			for range n { rs = append(rs, kafkago.Record{Key: kafkago.NewBytes([]byte("key")), Value: kafkago.NewBytes([]byte(v))}) }
			a, err := b.Client().Produce(t.Context(), &kafkago.ProduceRequest{Topic: topic, RequiredAcks: kafkago.RequireAll, Records: kafkago.NewRecordReader(rs...)})
			if err != nil || a.Error != nil { t.Fatal(err, a) }
			ds = append(ds, time.Since(s))
		}
		slices.Sort(ds)
		t.Logf("batch %3d: p50 %8s p99 %8s %9.0f records/s\n", n, ds[len(ds)/2].Round(time.Microsecond), ds[len(ds)*99/100].Round(time.Microsecond), float64(n*rounds)/time.Since(began).Seconds())
	}
}
