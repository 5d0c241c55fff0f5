// Report turns the results of one run of the benchmarks into docs/BENCHMARKS.md
// and the plots that it shows.
//
//	go run ./report -docs ../docs <results.txt
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	docs := flag.String("docs", ".", "`DIRECTORY` to write BENCHMARKS.md and its plots to")
	flag.Parse()
	if err := report(os.Stdin, *docs); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

func report(in io.Reader, docs string) error {
	run, err := read(in)
	if err != nil {
		return err
	}
	for name, c := range charts(run) {
		if err := os.WriteFile(filepath.Join(docs, name), c.svg(), 0o666); err != nil {
			return err
		}
	}
	text, err := page(run)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(docs, "BENCHMARKS.md"), text, 0o666)
}
