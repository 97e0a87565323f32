// librdkafka's own C headers, whole. Nothing is added: for every variadic function that we need there is one that takes
// an array (`rd_kafka_produceva`, `rd_kafka_mock_push_request_errors_array`), so Swift imports all of it.
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
