// Takes events with Elastic's own server of Lumberjack version 2 and writes down which, before it acknowledges them.
//
//	beats-server JOURNAL ADDRESS [CERTIFICATE KEY]
//
// A line for each event: the number in `numeric_labels.n` and the id. The lines of a window are one write, so that the
// journal of a server that was killed ends with a window, or within one.
package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/elastic/go-lumber/server/v2"
)

type event struct {
	Metadata struct {
		ID string `json:"_id"`
	} `json:"@metadata"`
	Numbers struct {
		N json.Number `json:"n"`
	} `json:"numeric_labels"`
}

func main() {
	journal, err := os.OpenFile(os.Args[1], os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	check(err)
	// Ends what a killed server left unfinished.
	_, err = journal.WriteString("\n")
	check(err)
	options := []v2.Option{v2.JSONDecoder(decode)}
	if len(os.Args) > 3 {
		pair, err := tls.LoadX509KeyPair(os.Args[3], os.Args[4])
		check(err)
		options = append(options, v2.TLS(&tls.Config{Certificates: []tls.Certificate{pair}}))
	}
	server, err := v2.ListenAndServe(os.Args[2], options...)
	check(err)
	for batch := range server.ReceiveChan() {
		var lines bytes.Buffer
		for _, taken := range batch.Events {
			event := taken.(event)
			fmt.Fprintf(&lines, "%s %s\n", event.Numbers.N, event.Metadata.ID)
		}
		_, err = journal.Write(lines.Bytes())
		check(err)
		batch.ACK()
	}
}

func decode(text []byte, into interface{}) error {
	var event event
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
