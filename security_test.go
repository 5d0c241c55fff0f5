package rotatelog_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/dirstore"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
	"example.com/rotatelog/storetest"
)

// openReal opens a Writer on the real disk.
func openReal(t *testing.T, cfg rotatelog.Config) *rotatelog.Writer {
	t.Helper()
	if cfg.Store == nil {
		cfg.Store = storetest.NewMem()
	}
	w, err := rotatelog.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

// TestNobodyElseMayReadWhatIsKept: nobody but the owner may read what is kept.
func TestNobodyElseMayReadWhatIsKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "by", "Open")
	storeDir := filepath.Join(t.TempDir(), "store")
	store, err := dirstore.Open(storeDir)
	if err != nil {
		t.Fatal(err)
	}
	w := openReal(t, rotatelog.Config{Dir: dir, Store: store, MaxFetches: 2})
	if _, err := w.ReadFrom(strings.NewReader(`{"a":1}{"b":2}{"c":3}`)); err != nil {
		t.Fatal(err)
	}
	if err := w.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, arrayName)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, arrayName), []byte("stranger"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(`{"d":4}`)); err != nil {
		t.Fatal(err)
	}
	files := 0
	look := func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			t.Fatal(err)
		}
		info, err := d.Info()
		if err != nil {
			t.Fatal(err)
		}
		want := fs.FileMode(0o600)
		switch {
		case d.IsDir():
			want = 0o700
		case d.Name() == arrayName:
			want = 0o400
		}
		files++
		if got := info.Mode().Perm(); got&^want != 0 {
			t.Errorf("%s has mode %v, want %v at most", path, got, want)
		}
		return nil
	}
	filepath.WalkDir(filepath.Dir(dir), look)
	filepath.WalkDir(storeDir, look)
	if files < 12 {
		t.Errorf("looked at %d files only", files)
	}
}

// TestSymbolicLinksAreNotWrittenThrough: what somebody has linked to elsewhere is not written through.
func TestSymbolicLinksAreNotWrittenThrough(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	secret := filepath.Join(outside, "secret")
	if err := os.WriteFile(secret, []byte("[\n]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, filepath.Join(dir, arrayName)); err != nil {
		t.Fatal(err)
	}
	w := openReal(t, rotatelog.Config{Dir: dir})
	if _, err := w.Write([]byte(`{"a":1}`)); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(secret); string(got) != "[\n]\n" {
		t.Errorf("the file outside became %q", got)
	}
	w.Close()

	for _, name := range []string{"all_api.spool", "all_api.spool/pending", "all_api.spool/damaged"} {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(outside, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		w, err := rotatelog.Open(t.Context(), rotatelog.Config{Dir: dir, Store: storetest.NewMem()})
		if err == nil {
			w.Close()
		}
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s leads elsewhere: %v", name, err)
		}
	}
	for _, name := range []string{"lock", "publish.lock", "batch.json", "spare.json", "unclean", "batch.json.new"} {
		dir := t.TempDir()
		spool := filepath.Join(dir, "all_api.spool")
		if err := os.Mkdir(spool, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(secret, filepath.Join(spool, name)); err != nil {
			t.Fatal(err)
		}
		w, err := rotatelog.Open(t.Context(), rotatelog.Config{Dir: dir, Store: storetest.NewMem()})
		if err == nil {
			w.Write([]byte(`{"a":1}`))
			w.Close()
		}
		if got, _ := os.ReadFile(secret); string(got) != "[\n]\n" {
			t.Fatalf("through %s the file outside became %q", name, got)
		}
	}
}

// TestNoSecretIsPrinted: not with any verb, of a store or its options.
func TestNoSecretIsPrinted(t *testing.T) {
	opts := s3store.Options{EncryptionKey: s3test.CustomerKey}
	store := s3test.NewStore(s3test.NewClient("https://s3.test"), opts)
	for _, value := range []any{opts, &opts, store, rotatelog.Config{Store: store}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%c", "%t"} {
			printed := fmt.Sprintf(verb, value)
			for _, secret := range []string{string(s3test.CustomerKey), fmt.Sprint(s3test.CustomerKey)[1:20], fmt.Sprintf("%#v", s3test.CustomerKey)[7:30], hex.EncodeToString(s3test.CustomerKey), s3test.Secret, s3test.Token} {
				if strings.Contains(printed, secret) {
					t.Errorf("%s of %T: %s", verb, value, printed)
				}
			}
		}
	}
}

// TestNoSecretIsEncoded: not in a JSON log, nor by a program that saves its
// settings.
func TestNoSecretIsEncoded(t *testing.T) {
	opts := s3store.Options{EncryptionKey: s3test.CustomerKey, TempDir: "/var/tmp"}
	store := s3test.NewStore(s3test.NewClient("https://s3.test"), opts)
	type settings struct {
		Options s3store.Options
		Store   rotatelog.Store
	}
	for name, value := range map[string]any{"options": opts, "pointer": &opts, "store": store, "settings": settings{opts, store}} {
		var log bytes.Buffer
		for _, h := range []slog.Handler{slog.NewJSONHandler(&log, nil), slog.NewTextHandler(&log, nil)} {
			slog.New(h).Info("starting", "value", value)
			slog.New(h).WithGroup("g").With("value", value).Info("starting")
		}
		encoded, err := json.Marshal(value)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		all := log.String() + string(encoded)
		s3test.WantNoSecret(t, all)
		if want := map[bool]string{true: "https://s3.test", false: "/var/tmp"}[name == "store"]; strings.Count(all, want) != 5 {
			t.Errorf("%s says nothing: %s", name, all)
		}
	}
	encoded, err := json.Marshal(opts)
	if want := `{"Encrypt":false,"Shared":false,"EncryptionKey":"(not shown)","TempDir":"/var/tmp"}`; err != nil || string(encoded) != want {
		t.Errorf("%s, %v, want %s", encoded, err, want)
	}
	var decoded s3store.Options
	if err := json.Unmarshal(encoded, &decoded); err == nil {
		t.Errorf("options with a key became %v, which would store without", decoded)
	}
	if encoded, err = json.Marshal(s3store.Options{Encrypt: true}); err != nil || json.Unmarshal(encoded, &decoded) != nil || !decoded.Encrypt {
		t.Errorf("options without a key became %s, %v, %v", encoded, err, decoded)
	}
}
