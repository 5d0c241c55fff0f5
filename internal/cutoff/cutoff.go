// Package cutoff has the error of something that ends too early.
package cutoff

import (
	"fmt"
	"io"
)

// cut is an error that matches io.ErrUnexpectedEOF, and has a text for people.
type cut string

// Errorf returns an error that matches [io.ErrUnexpectedEOF]. Its text says what was cut
// off, and where.
func Errorf(format string, args ...any) error { return cut(fmt.Sprintf(format, args...)) }

// Error implements error.
func (c cut) Error() string { return string(c) }

// Is makes it match io.ErrUnexpectedEOF.
func (c cut) Is(target error) bool { return target == io.ErrUnexpectedEOF }
