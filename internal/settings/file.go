package settings

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// systemFile is where settings are that no user has in their home directory.
const systemFile = "/etc/rotatelog/env"

// maxFile bounds the size of a file, in bytes.
const maxFile = 1 << 20

// A File is a settings file as it was read. A nil File sets nothing.
type File struct {
	Path  string
	lines map[string]line
	stamp stamp
}

// findFile returns the first file of those where settings may be, or nil if there is
// none. The current directory is never looked in.
func findFile(config string, environ map[string]string) (*File, error) {
	if config != "" {
		return ReadFile(config)
	}
	if path := environ[configName]; path != "" {
		if !filepath.IsAbs(path) {
			return nil, fmt.Errorf("%s: %q is not an absolute path", configName, path)
		}
		return ReadFile(path)
	}
	var paths []string
	if home := environ["HOME"]; filepath.IsAbs(home) {
		paths = append(paths, filepath.Join(home, ".config/rotatelog/env"))
	}
	for _, path := range append(paths, systemFile) {
		f, err := ReadFile(path)
		if !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
	}
	return nil, nil
}

// ReadFile reads a settings file. It is an error if others could read a secret in it, or
// could have written it.
func ReadFile(path string) (*File, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() { // a pipe would be waited for
		return nil, fmt.Errorf("%s is not a file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, cannotRead(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("%s is larger than 1 MiB: it is no settings file", path)
	}
	lines, err := parse(path, string(text))
	if err != nil {
		return nil, fmt.Errorf("%s, %w", path, err)
	}
	if err := checkAccess(path, info, hasSecret(lines)); err != nil {
		return nil, err
	}
	return &File{path, lines, stampOf(info)}, nil
}

// cannotRead says what to do about a file that cannot be opened.
func cannotRead(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("settings file: %w", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("settings file: %w; run as the user who owns it, or name another with --config", err)
	}
	return fmt.Errorf("settings file: %w", err)
}

func (f *File) lookup(name string) (line, bool) {
	if f == nil {
		return line{}, false
	}
	l, ok := f.lines[name]
	return l, ok
}

// changed reports whether there is another file at the path now, or other content in it.
// It is true if that cannot be found out.
func (f *File) changed() bool {
	info, err := os.Stat(f.Path)
	return err != nil || stampOf(info) != f.stamp
}
