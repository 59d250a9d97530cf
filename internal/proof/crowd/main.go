// The crowd program serves the console of a made-up set as large as one can be: twenty
// Regions, a hundred thousand dead letters, and keys that are hostile. It ends with its
// standard input. Its test holds what the pages may take, and prints how long they do:
//
//	go test -count=1 -v -run TestPagesOfACrowd ./internal/proof/crowd
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"os"

	"s3fanout/internal/console"
)

func main() {
	ctx, stop := context.WithCancel(context.Background())
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // its end is all that counts
		stop()
	}()
	if err := console.Serve(ctx, l, newCrowd().options(), func(url string) { fmt.Println(url) }); err != nil {
		log.Fatal(err)
	}
}
