// Takes events with Elastic's own server of Lumberjack version 2 and writes down which, before it acknowledges them.
//
//	beats-server [-whole] JOURNAL ADDRESS [CERTIFICATE KEY]
//
// A line for each event: the number in `numeric_labels.n` and the id, or with -whole the event as it came. The lines of a window are one write, so that the
// journal of a server that was killed ends with a window, or within one.
package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"

	"github.com/elastic/go-lumber/server/v2"
)

type event struct {
	text     []byte
	Metadata struct {
		ID string `json:"_id"`
	} `json:"@metadata"`
	Numbers struct {
		N json.Number `json:"n"`
	} `json:"numeric_labels"`
}

func main() {
	whole := flag.Bool("whole", false, "write events as they came")
	flag.Parse()
	journal, err := os.OpenFile(flag.Arg(0), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	check(err)
	// Ends what a killed server left unfinished.
	_, err = journal.WriteString("\n")
	check(err)
	options := []v2.Option{v2.JSONDecoder(decode)}
	if flag.NArg() > 2 {
		pair, err := tls.LoadX509KeyPair(flag.Arg(2), flag.Arg(3))
		check(err)
		options = append(options, v2.TLS(&tls.Config{Certificates: []tls.Certificate{pair}}))
	}
	server, err := v2.ListenAndServe(flag.Arg(1), options...)
	check(err)
	for batch := range server.ReceiveChan() {
		var lines bytes.Buffer
		for _, taken := range batch.Events {
			event := taken.(event)
			if *whole {
				fmt.Fprintf(&lines, "%s\n", event.text)
				continue
			}
			fmt.Fprintf(&lines, "%s %s\n", event.Numbers.N, event.Metadata.ID)
		}
		_, err = journal.Write(lines.Bytes())
		check(err)
		batch.ACK()
	}
}

func decode(text []byte, into interface{}) error {
	// The text is the caller's buffer.
	event := event{text: bytes.Clone(text)}
	if err := json.Unmarshal(text, &event); err != nil {
		return err
	}
	*into.(*interface{}) = event
	return nil
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
