import java.io.IOException
import java.time.Duration
import java.util.{List => JavaList, Map => JavaMap}

import com.fasterxml.jackson.databind.{DeserializationFeature, JsonNode}
import com.fasterxml.jackson.databind.json.JsonMapper
import org.apache.kafka.clients.consumer.KafkaConsumer
import org.apache.kafka.clients.producer.{KafkaProducer, ProducerRecord}
import org.apache.kafka.common.errors.WakeupException
import org.apache.kafka.common.serialization.{ByteArrayDeserializer, ByteArraySerializer}

/** Readings in, alerts out, in Scala: Kafka's own client and Jackson, nothing of alertbench.
  *
  * `AlertPipeline BOOTSTRAP READINGS_TOPIC ALERTS_TOPIC` begins with what comes next, sends an alert's eight columns
  * and no more, and ends at SIGTERM or Ctrl-C. `scala_pipeline.py` compiles and starts it.
  */
object AlertPipeline {
  private type Bytes = Array[Byte]

  private case class Rule(field: String, holds: Double => Boolean, label: String)

  private val Rules = List(
    Rule("temperature", _ > 35, "High Temperature"),
    Rule("humidity", _ < 20, "Low Humidity"),
    Rule("UV_index", _ > 8, "High UV Index"),
    Rule("rainfall", _ > 50, "Heavy Rainfall"),
    Rule("wind_speed", _ > 20, "High Wind Speed")
  )
  private val Fields = List("sensor_id", "temperature", "humidity", "timestamp", "rainfall", "wind_speed", "UV_index")

  private val json = JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build()

  def main(args: Array[String]): Unit = args match {
    case Array(bootstrap, readings, alerts) => run(bootstrap, readings, alerts)
    case _ =>
      System.err.println("usage: AlertPipeline BOOTSTRAP READINGS_TOPIC ALERTS_TOPIC")
      sys.exit(2)
  }

  private def run(bootstrap: String, readings: String, alerts: String): Unit = {
    val reading = JavaMap.of[String, Object]("bootstrap.servers", bootstrap, "group.id", "scala-pipeline")
    val writing = JavaMap.of[String, Object]("bootstrap.servers", bootstrap, "linger.ms", "0")
    val consumer = new KafkaConsumer[Bytes, Bytes](reading, new ByteArrayDeserializer, new ByteArrayDeserializer)
    val producer = new KafkaProducer[Bytes, Bytes](writing, new ByteArraySerializer, new ByteArraySerializer)
    val worker = Thread.currentThread
    // A signal ends the wait for readings, and the JVM only once all that was read is written.
    sys.addShutdownHook { consumer.wakeup(); worker.join() }
    try {
      consumer.subscribe(JavaList.of(readings))
      while (true)
        consumer.poll(Duration.ofSeconds(1)).forEach { record =>
          alertOf(record.value).foreach(alert => producer.send(new ProducerRecord[Bytes, Bytes](alerts, alert)))
        }
    } catch {
      case _: WakeupException =>
    } finally {
      consumer.close()
      producer.close()
    }
  }

  /** The alert that the first rule which holds makes of a record; a failed channel is null, and no rule holds on it. */
  private def alertOf(record: Bytes): Option[Bytes] =
    for {
      reading <- parsed(record)
      rule <- Rules.find(rule => reading.path(rule.field).isNumber && rule.holds(reading.path(rule.field).doubleValue))
    } yield {
      val alert = json.createObjectNode()
      Fields.foreach(name => alert.replace(name, reading.get(name)))
      json.writeValueAsBytes(alert.put("alert", rule.label))
    }

  private def parsed(record: Bytes): Option[JsonNode] =
    try Option(record).map(bytes => json.readTree(bytes)).filter(_.isObject)
    catch { case _: IOException => None }
}
