package dirstore_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"example.com/rotatelog"
	"example.com/rotatelog/dirstore"
)

// A Store keeps objects as files. An append copies the old version up to the
// change, and is refused if another writer was quicker.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "store")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	store, err := dirstore.Open(dir)
	if err != nil {
		log.Fatal(err)
	}

	ctx, key := context.Background(), "logs/2025-07-10.json"
	first := []rotatelog.Part{rotatelog.Data([]byte("[1]"))}
	if err := store.Write(ctx, key, "", first, nil); err != nil { // "": there is none yet
		log.Fatal(err)
	}
	o, err := store.Stat(ctx, key)
	if err != nil {
		log.Fatal(err)
	}
	more := []rotatelog.Part{rotatelog.Copy(0, o.Size-1), rotatelog.Data([]byte(",2]"))}
	fmt.Println(store.Write(ctx, key, o.Version, more, nil))

	again := store.Write(ctx, key, o.Version, more, nil) // o is no longer what is there
	fmt.Println(errors.Is(again, rotatelog.ErrConflict))

	b, err := os.ReadFile(filepath.Join(dir, "logs", "2025-07-10.json"))
	fmt.Printf("%s %v\n", b, err)
	// Output:
	// <nil>
	// true
	// [1,2] <nil>
}
