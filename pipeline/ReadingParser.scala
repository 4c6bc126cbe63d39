package alertbench

import java.nio.charset.StandardCharsets.UTF_8

import scala.collection.immutable.ArraySeq

import com.fasterxml.jackson.core.{JsonFactory, JsonFactoryBuilder, JsonParser, JsonProcessingException}
import com.fasterxml.jackson.core.{JsonToken, StreamReadFeature}
import org.apache.spark.sql.Row
import org.apache.spark.sql.api.java.UDF1
import org.apache.spark.unsafe.types.UTF8String

/** Reads a record's bytes as a reading, or says why they are none: the row is `pipeline.parser.PARSED`.
  *
  * A reading is one strict JSON object in UTF-8. Fields that are not a reading's are passed over, and one that stands
  * twice counts by its last value. `timestamp` comes out in epoch seconds whichever unit it came in, and once more in
  * whole microseconds. A reject has no fields, only its reason, in the words of `wire.reject`.
  */
class ReadingParser extends UDF1[Array[Byte], Row] {
  import ReadingParser._

  override def call(record: Array[Byte]): Row =
    if (record == null || record.length == 0) Empty
    else if (!UTF8String.fromBytes(record).isValid) NotJson
    else {
      // Text, not bytes: of bytes Jackson would guess the encoding, and take UTF-16 and a mark of byte order too.
      val parser = json.createParser(new String(record, UTF_8))
      try read(parser)
      catch { case _: JsonProcessingException => NotJson }
      finally parser.close()
    }
}

object ReadingParser {
  private val Integers = Set("sensor_id", "seq")
  private val Names =
    Array("sensor_id", "temperature", "humidity", "rainfall", "wind_speed", "UV_index", "timestamp", "seq")
  private val sensorId = Names.indexOf("sensor_id")
  private val timestamp = Names.indexOf("timestamp")
  private val eventUs = Names.length
  private val reason = eventUs + 1

  private val Empty = reject("empty record")
  private val NotJson = reject("no JSON object, or a field of the wrong type")
  private val NoSensorId = reject("missing sensor_id")
  private val NoTimestamp = reject("missing timestamp")
  private val NotFinite = reject("a number is not finite")

  /** From here on a timestamp is epoch milliseconds, below it epoch seconds. */
  private val MillisecondsFrom = 1e11

  /** Event times beyond this many microseconds from 1970 count as overflows. */
  private val MaxEventUs = 9e18

  private val isInteger = Names.map(Integers)
  // A Java map: the row path makes no Option for each field of each record.
  private val places = {
    val map = new java.util.HashMap[String, Integer]
    Names.indices.foreach(place => map.put(Names(place), place))
    map
  }

  // The fast parser of numbers rounds as Java's own does.
  private val json: JsonFactory = new JsonFactoryBuilder().enable(StreamReadFeature.USE_FAST_DOUBLE_PARSER).build()

  private def read(parser: JsonParser): Row = {
    if (parser.nextToken() != JsonToken.START_OBJECT) return NotJson
    val fields = new Array[Any](reason + 1)
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      val found = places.get(parser.currentName())
      val token = parser.nextToken()
      if (found == null) parser.skipChildren()
      else {
        val place = found.intValue
        if (token == JsonToken.VALUE_NULL) fields(place) = null
        else if (token == JsonToken.VALUE_NUMBER_INT && isInteger(place)) fields(place) = parser.getLongValue
        else if (token.isNumeric && !isInteger(place)) fields(place) = parser.getDoubleValue
        else return NotJson
      }
    }
    if (parser.nextToken() == null) judge(fields) else NotJson
  }

  private def judge(fields: Array[Any]): Row =
    if (fields(sensorId) == null) NoSensorId
    else if (fields(timestamp) == null) NoTimestamp
    else if (!fields.forall(isFinite)) NotFinite
    else {
      val sent = fields(timestamp).asInstanceOf[Double]
      val seconds = if (sent >= MillisecondsFrom) sent / 1000.0 else sent
      // Ties to even, as Python rounds.
      val us = math.rint(seconds * 1e6)
      if (math.abs(us) > MaxEventUs) NotFinite
      else {
        fields(timestamp) = seconds
        fields(eventUs) = us.toLong
        row(fields)
      }
    }

  private def isFinite(field: Any): Boolean = field match {
    case number: Double => !number.isInfinite
    case _              => true
  }

  private def reject(why: String): Row = row(Array.tabulate[Any](reason + 1)(place => if (place == reason) why else null))

  private def row(fields: Array[Any]): Row = Row.fromSeq(ArraySeq.unsafeWrapArray(fields))
}
