package rotatelog_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"slices"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/storetest"
)

// FuzzReadDay: what is read of a day's object that is JSON is what encoding/json reads.
func FuzzReadDay(f *testing.F) {
	names, err := fs.Glob(os.DirFS("testdata/daily"), "*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		content, err := os.ReadFile("testdata/daily/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	const key = "all_api_json_log_2025-07-10.json"
	f.Fuzz(func(t *testing.T, content []byte) {
		mem := storetest.NewMem()
		mem.Put(key, content, nil)
		d, err := rotatelog.OpenDay(t.Context(), mem, key, rotatelog.ReadOptions{})
		if err != nil {
			return
		}
		got, err := readUploads(d.Uploads(t.Context()), nil)
		if err != nil {
			return
		}
		var want struct {
			Uploads []struct {
				Data []json.RawMessage `json:"fetch_data"`
			} `json:"uploads"`
		}
		if json.Unmarshal(content, &want) != nil { // lines are not parsed
			return
		}
		if len(want.Uploads) != len(got) {
			t.Fatalf("%d uploads, want %d", len(got), len(want.Uploads))
		}
		for i, w := range want.Uploads {
			if !slices.EqualFunc(w.Data, got[i].Data, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
				t.Fatalf("upload %d: %q, want %q", i+1, got[i].Data, w.Data)
			}
		}
	})
}
