package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// writeFile writes a file that others may read. One that is there stays as it is until the new
// one is complete; what is not a file, such as a pipe, is written to.
func writeFile(path, text string) error {
	replace := replaceFile
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		replace = func(path, text string) error { return os.WriteFile(path, []byte(text), 0o644) }
	}
	if err := replace(path, text); err != nil {
		return fmt.Errorf("%s cannot be written: %w", path, err)
	}
	return nil
}

// hasFolder returns an error if the folder of a file, which is the value of a flag, is not there.
func hasFolder(flag, file string) error {
	folder := filepath.Dir(file)
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		return usagef("--%s: there is no folder %s: make it with mkdir", flag, folder)
	}
	return nil
}

// checkOutput returns an error if a file or a folder, which is the value of a flag, is the
// local file of the stream or in its spool: what is written there would replace fetches that
// are nowhere else.
func (s *stream) checkOutput(flag, name string) error {
	file, err := filepath.Abs(name)
	if name == "" || err != nil || !s.hasSpool() {
		return nil
	}
	local := s.localFile()
	isOurs := isSame(file, local) || isSame(filepath.Dir(file), filepath.Dir(local)) && filepath.Base(file) == filepath.Base(local)
	for dir := file; !isOurs && dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		isOurs = isSame(dir, s.spoolDir())
	}
	if isOurs {
		return usagef("--%s: %s is a part of the stream in %s, and is not written over: name another one", flag, name, s.Dir)
	}
	return nil
}

// replaceFile puts a new file in the place of what is there.
func replaceFile(path, text string) (err error) {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(temp.Name())
		}
	}()
	_, err = temp.WriteString(text)
	if err == nil {
		err = temp.Chmod(0o644)
	}
	if closed := temp.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	return err
}
