package projection_test

import (
	"fmt"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/libs/projection"
)

type room struct {
	Number string `db:"number,key"`
	Guests int64  `db:"guests"`
	Last   string `db:"last,null"`
}

// The rooms of an inn, and how many guests each has had. The fold is pure and can be tried out as it is; a Runner
// writes it to the table and keeps it up to date:
//
//	runner := projection.NewRunner(pool, projection.Options{Log: log})
//	model, err := runner.Add(ctx, rooms.Projection(), projection.FromLog(store))
//	...
//	go runner.Run(ctx)
//	...
//	err = model.WaitFor(ctx, position) // and then: select number, guests from rooms
func ExampleTable() {
	rooms := projection.Table[room]{
		Name: "rooms_v1",
		DDL:  `create table if not exists rooms_v1 (number text primary key, guests bigint not null, last text)`,
		Key: func(r events.Recorded) (string, bool) {
			e, ok := r.Event.(arrived)
			return e.Room, ok
		},
		Apply: func(row room, r events.Recorded) room {
			row.Guests++
			row.Last = r.Stream
			return row
		},
	}
	rows := rooms.Fold(
		events.Recorded{Stream: "stay-1", Event: arrived{Room: "101"}},
		events.Recorded{Stream: "stay-2", Event: arrived{Room: "102"}},
		events.Recorded{Stream: "stay-1", Event: left{}},
		events.Recorded{Stream: "stay-3", Event: arrived{Room: "101"}},
	)
	fmt.Println(rows["101"])
	fmt.Println(rows["102"])
	// Output:
	// {101 2 stay-3}
	// {102 1 stay-2}
}
