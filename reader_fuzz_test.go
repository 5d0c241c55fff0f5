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
		want, ok := dataOf(content)
		if !ok { // lines are not parsed
			return
		}
		if len(want) != len(got) {
			t.Fatalf("%d uploads, want %d", len(got), len(want))
		}
		for i, data := range want {
			if !slices.EqualFunc(data, got[i].Data, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
				t.Fatalf("upload %d: %q, want %q", i+1, got[i].Data, data)
			}
		}
	})
}

// dataOf returns the fetch_data of each upload. The fields of a struct would be matched
// whatever their case, so that "Fetch_data" would be taken for it.
func dataOf(content []byte) (data [][]json.RawMessage, ok bool) {
	var members map[string]json.RawMessage
	var uploads []map[string]json.RawMessage
	if json.Unmarshal(content, &members) != nil || json.Unmarshal(members["uploads"], &uploads) != nil {
		return nil, false
	}
	for _, u := range uploads {
		var fetches []json.RawMessage
		if raw, has := u["fetch_data"]; has && json.Unmarshal(raw, &fetches) != nil {
			return nil, false
		}
		data = append(data, fetches)
	}
	return data, true
}
