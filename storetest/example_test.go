package storetest_test

import (
	"context"
	"errors"
	"fmt"

	"example.com/rotatelog"
	"example.com/rotatelog/storetest"
)

// The reply to the first write is lost. A caller that takes that for a failure, and
// writes again, conflicts with its own success.
func ExampleFaulty() {
	mem := storetest.NewMem()
	store := &storetest.Faulty{Store: mem, Fault: func(op storetest.Op) storetest.Fault {
		if op.Name == "write" && op.N == 1 {
			return storetest.Fault{Err: errors.New("connection reset")}
		}
		return storetest.Fault{}
	}}

	ctx := context.Background()
	parts := []rotatelog.Part{rotatelog.Data([]byte("[1]"))}
	fmt.Println(store.Write(ctx, "day.json", "", parts, nil))
	fmt.Println(store.Write(ctx, "day.json", "", parts, nil))
	fmt.Printf("%s\n", mem.Bytes("day.json"))
	// Output:
	// connection reset
	// write day.json: not the current version
	// [1]
}
