package rotatelog_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/rotatelog"
)

// golden compares got with a file under testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *rotatelog.UpdateGolden {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (rewrite it with -update):\n%s", file, diff)
	}
}

// parseDayLoosely parses a daily object that others have written to as well.
func parseDayLoosely(t *testing.T, content []byte) (d dayObject) {
	t.Helper()
	if err := json.Unmarshal(content, &d); err != nil {
		t.Fatal(err)
	}
	return d
}
