package rotatelog_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"example.com/rotatelog"
)

// A source delivers each fetch until it is acknowledged, so some come twice.
func ExampleHeaderIdentity() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	w, err := rotatelog.Open(ctx, rotatelog.Config{Dir: dir, AppendOnly: true, Identity: rotatelog.HeaderIdentity})
	if err != nil {
		log.Fatal(err)
	}
	defer w.Close()

	for _, fetch := range []string{
		`{"FETCH_HEADER":{"random_fetch_id":"aBc123"},"RAW_API_DATA":{"results":[]}}`,
		`{"FETCH_HEADER":{"random_fetch_id":"xYz456"},"RAW_API_DATA":{"results":[]}}`,
		`{"FETCH_HEADER":{"random_fetch_id":"aBc123"},"RAW_API_DATA":{"results":[]}}`,
	} {
		r, err := w.Append(ctx, []byte(fetch))
		if err != nil {
			log.Fatal(err) // not acknowledged: the source delivers it again
		}
		fmt.Printf("fetch %d, duplicate: %v\n", r.Number, r.Duplicate)
	}
	// Output:
	// fetch 1, duplicate: false
	// fetch 2, duplicate: false
	// fetch 1, duplicate: true
}
